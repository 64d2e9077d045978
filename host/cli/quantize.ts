/**
 * runlet quantize: a float model and calibration data to an int8 model file (.rnq) with a per-layer report.
 */
import { defineCommand } from 'citty';
import { writeGraph } from '../../models/graph/file.ts';
import { table } from '../report/table.ts';
import { coloursFor, jsonArg, printJson } from './args.ts';
import { calibArgs, loadGraph, modelArgs, planArgs, planOptions, quantised } from './load.ts';
import { mixedArgs, mixedOf, mixedText, normalisedFor } from './mixed.ts';
import { writeOut } from './save.ts';

export default defineCommand({
  meta: { name: 'quantize', description: 'Turn a float model into int8 with calibration data' },
  args: {
    ...modelArgs,
    ...planArgs,
    ...calibArgs,
    ...mixedArgs,
    output: { type: 'string', alias: 'o', description: 'Where the int8 model (.rnq) goes' },
    ...jsonArg,
  },
  async run({ args }) {
    const graph = await normalisedFor(await loadGraph(args), args);
    const plan = planOptions(graph, args);
    const { graph: int8, report } = await quantised(graph, plan, args);
    const mixed = await mixedOf(int8, plan, args);
    if (args.output) await writeOut(args.output, writeGraph(mixed?.graph ?? int8));
    if (args.json) {
      const { graph: _, ...choice } = mixed ?? { graph: int8 };
      return printJson({ output: args.output, layers: report, ...(mixed && { mixed: choice }) });
    }
    const colour = coloursFor(process.stdout);
    const rows = report.map((r) => [
      r.name.length > 34 ? `…${r.name.slice(-33)}` : r.name,
      r.op,
      r.min,
      r.max,
      r.scale,
      r.zeroPoint,
      Number.isFinite(r.sqnrDb) ? `${r.sqnrDb.toFixed(1)} dB` : 'exact',
      `${(100 * r.clipped).toFixed(3)} %`,
    ]);
    const head = ['tensor', 'op', 'min', 'max', 'scale', 'zero', 'SQNR', 'clipped'];
    process.stdout.write(`${table(rows, { head, colour: colour.isColorSupported })}\n`);
    const worst = report.filter((r) => Number.isFinite(r.sqnrDb)).sort((a, b) => a.sqnrDb - b.sqnrDb)[0];
    if (worst)
      process.stdout.write(
        `\nlowest signal-to-quantisation-noise: ${worst.sqnrDb.toFixed(1)} dB at ${worst.name} (${worst.op})\n`,
      );
    if (mixed) process.stdout.write(`\n${mixedText(mixed)}`);
    if (args.output) process.stderr.write(`wrote ${args.output}\n`);
  },
});
