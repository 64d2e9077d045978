/**
 * runlet quantize: turns a float model into an int8 model file, with calibration data.
 *
 * In: a float model, calibration data.  Out: the int8 model (.rnq, or QDQ ONNX if the name ends in .onnx), a
 * report per layer, and warnings about the data. --eval and --eval-labels evaluate the model on a task,
 * --search searches for the best methods, --report writes a page.
 */
import { writeGraph } from '../../models/graph/file.ts';
import { type Graph, isQuantised } from '../../models/graph/types.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import type { Diagnosis } from '../../quant/diagnose/diagnose.ts';
import type { FormComparison } from '../../quant/evaluate/compare-forms.ts';
import type { Methods } from '../../quant/presets.ts';
import type { CalibrationReport, Quantized } from '../../quant/quantize.ts';
import { badOption, coloursFor, printJson } from '../command/args.ts';
import { loadGraph, namesOf, noCalibration, planOptions, quantised, withSaid } from '../command/load.ts';
import {
  accuracyArg,
  calibArgs,
  labelsArg,
  modelArgs,
  namesArg,
  planArgs,
  signalArgs,
  truthArgs,
} from '../command/model-options.ts';
import { choice, type Given, group, input, jsonArg, output } from '../command/options.ts';
import { presetName, soundArgs } from '../command/sound-options.ts';
import { defineVerb } from '../command/verb.ts';
import { whileWorking } from '../report/progress.ts';
import { table } from '../report/table.ts';
import { checkTask, checkTaskArgs, compared, evaluationArgs, evaluationText, type Task, taskOf } from './evaluation.ts';
import { checkMixed, mixedArgs, mixedOf, mixedText, normalisedFor } from './mixed.ts';
import { reportArgs } from './quantize-report.ts';
import { type SearchArgs, searchArgs, searchLimits } from './quantize-search.ts';
import { save, writeOut } from './save.ts';

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Describes the calibration: windows, their coverage and that of random ones, convergence of the ranges. */
function calibrationLines({ windowsSeen, windowsUsed, sampling, seed, coverage, convergence }: CalibrationReport): string[] {
  const chosen = sampling === 'all' ? '' : ` of ${windowsSeen.toLocaleString('en')}, sampling ${sampling}, seed ${seed}`;
  const { settledAfter, unsettled, allAfter } = convergence;
  const settled = settledAfter.size - unsettled.length;
  const shares = coverage && [
    `they cover ${percent(coverage.chosen.mean)} of the input's ranges on average, ${percent(coverage.chosen.least)} at least;`,
    `the same number of random windows: ${percent(coverage.random.mean)} and ${percent(coverage.random.least)}`,
  ];
  return [
    `calibration: ${windowsUsed.toLocaleString('en')} windows${chosen}`,
    ...(shares ? [`             ${shares.join(' ')}`] : []),
    unsettled.length === 0
      ? `             all ${settledAfter.size} ranges stayed within 1 % after ${allAfter} windows`
      : `             ${settled} of ${settledAfter.size} ranges had settled within 1 % before the last quarter`,
  ];
}

const isOnnx = (path: string): boolean => /\.onnx$/i.test(path);

const qdqArgs = group('Output', {
  io: choice('QDQ ONNX: type of inputs and outputs, float (default) or int8', ['float', 'int8'], { hint: 'type' }),
  qdqRounding: choice(
    'QDQ ONNX: rounding by onnx (plain pairs, default) or reference (float operators that equal the reference, for checking)',
    ['onnx', 'reference'],
    { hint: 'rule' },
  ),
});

/** Checks that options of QDQ ONNX are used with an output of that format. @throws RN740 */
function checkQdq({ output: path, io, qdqRounding }: Given<typeof qdqArgs> & { output?: string }): void {
  if (path !== undefined && isOnnx(path)) return;
  if (io) throw badOption('io', io, 'a type only for an output that ends in .onnx');
  if (qdqRounding) throw badOption('qdq-rounding', qdqRounding, 'a rule only for an output that ends in .onnx');
}

/** Makes the model file in the format of the path's extension. */
async function fileOf(int8: Graph, path: string, { io, qdqRounding: rounding }: Given<typeof qdqArgs>): Promise<Uint8Array> {
  if (!isOnnx(path)) return writeGraph(int8);
  const { writeQdq } = await import('../../quant/qdq.ts');
  return writeQdq(int8, { ...(io && { io }), ...(rounding && { rounding }) });
}

export default defineVerb({
  examples: [
    ['quantize model.onnx --calib signal.npy --hop 8 -o model.rnq', 'quantises with the default preset'],
    [
      'quantize model.onnx --calib signal.npy --report report.html',
      'writes a page: the loss of each layer by int8 and streaming',
    ],
    ['quantize model.onnx --calib train.npy --eval test.npy --eval-labels test.csv', 'also measures the accuracy of each form'],
  ],
  args: {
    ...modelArgs,
    ...planArgs,
    ...calibArgs,
    ...signalArgs,
    ...truthArgs,
    ...accuracyArg,
    ...labelsArg,
    ...evaluationArgs,
    ...searchArgs,
    ...mixedArgs,
    ...group('Sound', {
      frontEnd: input(
        'Front end that turns a calibration .wav into rows: a preset, a .tflite file that holds a front end, or a bundle that takes sound',
        { hint: 'preset' },
        presetName,
      ),
      ...soundArgs,
    }),
    ...group('Output', {
      output: output('File for the int8 model: .rnq, or .onnx for QDQ ONNX', { short: 'o' }),
      ...reportArgs,
    }),
    ...qdqArgs,
    ...namesArg,
    ...jsonArg,
  },
  async run({ args }) {
    checkQdq(args);
    checkMixed(args);
    checkTaskArgs(args);
    searchLimits(args);
    const { graph: read, signals } = await normalisedFor(await loadGraph(args), args);
    const plan = planOptions(read, args);
    const graph = withSaid(read, plan, args);
    if (isQuantised(graph) && !args.calib) {
      for (const name of ['search', 'report'] as const)
        if (args[name])
          throw badOption(name, String(args[name]), 'a value only with a float model and --calib; this model is already int8');
      const task = await taskOf(graph, args);
      const evaluation = task && (await compared(undefined, graph, plan, task));
      if (args.output) await writeOut(args.output, await fileOf(graph, args.output, args));
      if (args.json) return printJson({ output: args.output, layers: [], ...(evaluation && { evaluation }) });
      process.stdout.write('the model is already int8: its scales are kept\n');
      if (evaluation) process.stdout.write(`\n${evaluationText(evaluation)}`);
      if (args.output) process.stderr.write(`wrote ${args.output}\n`);
      return;
    }
    const task = await taskOf(graph, args);
    if (task) await checkTask(graph, plan, task);
    const made = args.search ? await bySearch(graph, plan, args, task) : await byMethods(graph, plan, args, signals);
    if (args.output) await writeOut(args.output, await fileOf(made.graph, args.output, args));
    const evaluation = task && (await compared(graph, made.graph, plan, task));
    const report = args.report ? await reported(made, plan, args, evaluation) : undefined;
    if (args.json) return printJson({ output: args.output, ...made.json, ...(evaluation && { evaluation }), ...report?.json });
    const parts = [made.text, evaluation && evaluationText(evaluation), report?.text].filter(Boolean);
    process.stdout.write(parts.join('\n'));
    if (args.output) process.stderr.write(`wrote ${args.output}\n`);
  },
});

interface Made {
  graph: Graph;
  float: Graph;
  methods: Partial<Methods>;
  text: string;
  json: object;
}

type Args = Parameters<typeof quantised>[2] &
  Parameters<typeof mixedOf>[2] &
  SearchArgs &
  Given<typeof namesArg> & { report?: string };

/** Quantises with the methods that the command line names. */
async function byMethods(graph: Graph, plan: PlanOptions, args: Args, signals: Float32Array[] | undefined): Promise<Made> {
  const made = await quantised(graph, plan, args);
  const [named, short] = [namesOf(made.float, args), namesOf(made.float, {})];
  const mixed = await mixedOf(made.graph, plan, args, signals);
  const { report, methods, calibration } = made;
  const { settledAfter, ...rest } = calibration.convergence;
  const { graph: _, ...choice } = mixed ?? { graph: made.graph };
  const layers = report.map((r) => ({ ...r, short: short(r.name), settledAfter: settledAfter.get(r.tensor) }));
  const data = { ...calibration, convergence: rest };
  return {
    graph: mixed?.graph ?? made.graph,
    float: made.float,
    methods,
    text: `${layersText(made, named)}${mixed ? `\n${mixedText(mixed, named)}` : ''}`,
    json: { methods, layers, calibration: data, ...(mixed && { mixed: choice }) },
  };
}

/** Quantises with the methods that a search finds. */
async function bySearch(graph: Graph, plan: PlanOptions, args: Args, task: Task | undefined): Promise<Made> {
  const { calibrationSet, searched, searchJson, searchText } = await import('./quantize-search.ts');
  const { calib } = args;
  if (calib === undefined) throw noCalibration(graph);
  const found = await searched(graph, plan, await calibrationSet(graph, plan, { ...args, calib }), args, task);
  const { graph: int8, float, methods } = found.chosen;
  return { graph: int8, float, methods, text: searchText(found), json: { methods, search: searchJson(found) } };
}

/** Diagnoses the quantised model and writes the page; returns the short form for the terminal. */
async function reported({ graph: int8, float, methods }: Made, plan: PlanOptions, args: Args, evaluation?: FormComparison) {
  const { calibrationSet } = await import('./quantize-search.ts');
  const { diagnose } = await import('../../quant/diagnose/diagnose.ts');
  const { quantPlan } = await import('../../quant/plan.ts');
  const { planStream } = await import('../../models/stream/plan.ts');
  const { diagnosisText } = await import('./quantize-report.ts');
  const { quantPage } = await import('../report/quant-html/page.ts');
  const set = await calibrationSet(float, plan, { ...args, calib: args.calib ?? '' });
  const quant = quantPlan(planStream(int8, plan));
  const floatPlan = planStream(float, { ...plan, mode: quant.plan.mode });
  const diagnosis = await whileWorking('analysing each layer', async () => diagnose(floatPlan, quant, set));
  const named = withNames(diagnosis, namesOf(float, args));
  await save(
    args.report ?? '',
    await quantPage({ name: float.name, diagnosis: named, methods, ...(evaluation && { evaluation }) }),
  );
  return { text: diagnosisText(named, methods), json: { diagnosis } };
}

/** Returns the diagnosis with other names for its layers. */
const withNames = (diagnosis: Diagnosis, named: (name: string) => string): Diagnosis => ({
  ...diagnosis,
  layers: diagnosis.layers.map((layer) => ({ ...layer, name: named(layer.name) })),
});

function layersText({ report, calibration }: Quantized, named: (name: string) => string): string {
  const { settledAfter } = calibration.convergence;
  const rows = report.map((r) => [
    named(r.name),
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
  const worst = report.filter((r) => Number.isFinite(r.sqnrDb)).sort((a, b) => a.sqnrDb - b.sqnrDb)[0];
  return [
    `${table(rows, { head, spare: ['op', 'settled', 'zero', 'clipped'], colour: coloursFor(process.stdout).isColorSupported })}\n`,
    `\n${calibrationLines(calibration).join('\n')}\n`,
    worst ? `\nlowest signal-to-quantisation-noise: ${worst.sqnrDb.toFixed(1)} dB at ${named(worst.name)} (${worst.op})\n` : '',
  ].join('');
}
