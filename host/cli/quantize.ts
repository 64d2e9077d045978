/**
 * runlet quantize: a float model and calibration data to an int8 model file with a per-layer report: .rnq, or QDQ ONNX where the name ends in .onnx.
 */
import { defineCommand } from 'citty';
import { writeGraph } from '../../models/graph/file.ts';
import { type Graph, isQuantised } from '../../models/graph/types.ts';
import { table } from '../report/table.ts';
import { badOption, choiceOption, coloursFor, jsonArg, printJson } from './args.ts';
import { calibArgs, loadGraph, modelArgs, planArgs, planOptions, quantised } from './load.ts';
import { writeOut } from './save.ts';

/** The file that the name's ending asks for. @throws RN740 where an option of the other form is given */
async function fileOf(int8: Graph, path: string, args: { io?: string; qdqRounding?: string }): Promise<Uint8Array> {
  const io = choiceOption('io', args.io, ['float', 'int8'] as const);
  const rounding = choiceOption('qdq-rounding', args.qdqRounding, ['onnx', 'reference'] as const);
  if (/\.onnx$/i.test(path)) {
    const { writeQdq } = await import('../../quant/qdq.ts');
    return writeQdq(int8, { ...(io && { io }), ...(rounding && { rounding }) });
  }
  if (io) throw badOption('io', io, 'an output that ends in .onnx beside it');
  if (rounding) throw badOption('qdq-rounding', rounding, 'an output that ends in .onnx beside it');
  return writeGraph(int8);
}

export default defineCommand({
  meta: { name: 'quantize', description: 'Turn a float model into int8 with calibration data' },
  args: {
    ...modelArgs,
    ...planArgs,
    ...calibArgs,
    output: { type: 'string', alias: 'o', description: 'Where the int8 model goes: .rnq, or .onnx for QDQ ONNX' },
    io: { type: 'string', description: 'QDQ ONNX: inputs and outputs float (default) or int8', valueHint: 'type' },
    qdqRounding: {
      type: 'string',
      description: 'QDQ ONNX: onnx (plain pairs, default) or reference (float operators that give the reference, for checking)',
      valueHint: 'rule',
    },
    ...jsonArg,
  },
  async run({ args }) {
    const graph = await loadGraph(args);
    const given = isQuantised(graph) && !args.calib;
    const { graph: int8, report } = given ? { graph, report: [] } : await quantised(graph, planOptions(graph, args), args);
    if (args.output) await writeOut(args.output, await fileOf(int8, args.output, args));
    if (args.json) return printJson({ output: args.output, layers: report });
    const colour = coloursFor(process.stdout);
    if (given) process.stdout.write('the model is int8 already: its scales are kept\n');
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
    if (rows.length > 0) process.stdout.write(`${table(rows, { head, colour: colour.isColorSupported })}\n`);
    const worst = report.filter((r) => Number.isFinite(r.sqnrDb)).sort((a, b) => a.sqnrDb - b.sqnrDb)[0];
    if (worst)
      process.stdout.write(
        `\nlowest signal-to-quantisation-noise: ${worst.sqnrDb.toFixed(1)} dB at ${worst.name} (${worst.op})\n`,
      );
    if (args.output) process.stderr.write(`wrote ${args.output}\n`);
  },
});
