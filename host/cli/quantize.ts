/**
 * runlet quantize: a float model and calibration data to an int8 model file (.rnq, or QDQ ONNX where the name ends in .onnx) with a per-layer report
 * and what is to be said of the data.
 */
import { defineCommand } from 'citty';
import { writeGraph } from '../../models/graph/file.ts';
import { type Graph, isQuantised } from '../../models/graph/types.ts';
import type { CalibrationReport } from '../../quant/quantize.ts';
import { table } from '../report/table.ts';
import { badOption, choiceOption, coloursFor, jsonArg, printJson } from './args.ts';
import { calibArgs, loadGraph, modelArgs, planArgs, planOptions, quantised } from './load.ts';
import { mixedArgs, mixedOf, mixedText, normalisedFor } from './mixed.ts';
import { writeOut } from './save.ts';
import { soundArgs } from './sound-options.ts';

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Windows, how they were chosen beside a random choice, and whether ranges settled. */
function calibrationLines({ windowsSeen, windowsUsed, sampling, seed, coverage, convergence }: CalibrationReport): string[] {
  const chosen = sampling === 'all' ? '' : ` of ${windowsSeen.toLocaleString('en')}, sampling ${sampling}, seed ${seed}`;
  const { settledAfter, unsettled, allAfter } = convergence;
  const settled = settledAfter.size - unsettled.length;
  const shares = coverage && [
    `of the input's ranges they have ${percent(coverage.chosen.mean)} in the mean, ${percent(coverage.chosen.least)} at least;`,
    `as many drawn at random ${percent(coverage.random.mean)} and ${percent(coverage.random.least)}`,
  ];
  return [
    `calibration: ${windowsUsed.toLocaleString('en')} windows${chosen}`,
    ...(shares ? [`             ${shares.join(' ')}`] : []),
    unsettled.length === 0
      ? `             all ${settledAfter.size} ranges stayed within 1 % after ${allAfter} windows`
      : `             ${settled} of ${settledAfter.size} ranges had settled within 1 % before the last quarter`,
  ];
}

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
    frontEnd: {
      type: 'string',
      description: 'Audio front end that makes rows out of a calibration .wav: its preset, or a .tflite file that is one',
      valueHint: 'preset',
    },
    ...soundArgs,
    ...mixedArgs,
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
    const graph = await normalisedFor(await loadGraph(args), args);
    if (isQuantised(graph) && !args.calib) {
      if (args.output) await writeOut(args.output, await fileOf(graph, args.output, args));
      if (args.json) return printJson({ output: args.output, layers: [] });
      process.stdout.write('the model is int8 already: its scales are kept\n');
      if (args.output) process.stderr.write(`wrote ${args.output}\n`);
      return;
    }
    const plan = planOptions(graph, args);
    const { graph: int8, report, methods, calibration } = await quantised(graph, plan, args);
    const mixed = await mixedOf(int8, plan, args);
    if (args.output) await writeOut(args.output, await fileOf(mixed?.graph ?? int8, args.output, args));
    const { settledAfter, ...rest } = calibration.convergence;
    if (args.json) {
      const layers = report.map((r) => ({ ...r, settledAfter: settledAfter.get(r.tensor) }));
      const { graph: _, ...choice } = mixed ?? { graph: int8 };
      const data = { ...calibration, convergence: rest };
      return printJson({ output: args.output, methods, layers, calibration: data, ...(mixed && { mixed: choice }) });
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
      settledAfter.get(r.tensor) ?? '',
    ]);
    const head = ['tensor', 'op', 'min', 'max', 'scale', 'zero', 'SQNR', 'clipped', 'settled'];
    process.stdout.write(`${table(rows, { head, colour: colour.isColorSupported })}\n`);
    process.stdout.write(`\n${calibrationLines(calibration).join('\n')}\n`);
    const worst = report.filter((r) => Number.isFinite(r.sqnrDb)).sort((a, b) => a.sqnrDb - b.sqnrDb)[0];
    if (worst)
      process.stdout.write(
        `\nlowest signal-to-quantisation-noise: ${worst.sqnrDb.toFixed(1)} dB at ${worst.name} (${worst.op})\n`,
      );
    if (mixed) process.stdout.write(`\n${mixedText(mixed)}`);
    if (args.output) process.stderr.write(`wrote ${args.output}\n`);
  },
});
