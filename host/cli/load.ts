/**
 * What the model verbs share: options, reading a model, calibration data, and the way from a file to a QuantPlan.
 *
 * In: command-line options.  Out: Graph, calibration signal, QuantPlan.  RN720 / RN721 where a file cannot be read.
 */
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { homes } from '../../assembly/emit/home.ts';
import { RunletError } from '../../models/error.ts';
import { withRounding } from '../../models/graph/rounding.ts';
import { frameOf, type Graph, isQuantised } from '../../models/graph/types.ts';
import { printable } from '../../models/printable.ts';
import { mwwMetadata } from '../../models/read/detection.ts';
import { readModel } from '../../models/read/index.ts';
import { clockOf } from '../../models/stream/clock.ts';
import type { Mode, PlanOptions } from '../../models/stream/types.ts';
import type { SampleOptions } from '../../quant/calibration/collect.ts';
import { samplings } from '../../quant/calibration/signals.ts';
import { observerKinds } from '../../quant/observers/observer.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { type Methods, type Preset, presetNames } from '../../quant/presets.ts';
import type { Quantized } from '../../quant/quantize.ts';
import { manifestFields as fieldsOf, hopInFile, windowOf } from '../model-fields.ts';
import { badOption, choiceOption, interruptible, numberOption } from './args.ts';
import { frameQuestion } from './data-columns.ts';
import { modelFile } from './model-file.ts';
import { readBytes, readNamed } from './read-file.ts';
import { roundingArg, roundingOption } from './rounding.ts';

export { windowOf } from '../model-fields.ts';

export const modelArgs = {
  model: {
    type: 'positional',
    required: true,
    description:
      'Model file: .tflite, .onnx or .rnq, the model.json of a TensorFlow.js layers model, or the .json of a microWakeWord model',
  },
  timeAxis: { type: 'string', description: 'Index of the time dimension in the input shape (0 is the batch)' },
  frame: { type: 'string', description: 'Values of one frame of a flattened input' },
  window: {
    type: 'string',
    description: 'Frames of a window, where the model leaves them open; by name time=128, for several inputs a=64,b=128',
  },
  ...roundingArg,
} as const;

export const planArgs = {
  hop: { type: 'string', description: 'Frames between two outputs (default: the model metadata runlet.hop, else the window)' },
  mode: {
    type: 'string',
    description: 'windowed, edge-exact, stream, approx or misaligned (default: the cheapest that is exact)',
  },
  microHop: { type: 'string', description: 'Frames that pass through the layers at once (default: the hop)' },
  budgetRam: { type: 'string', description: 'edge-exact: most bytes of state; the least work that fits is taken' },
  budgetMacs: {
    type: 'string',
    description: 'edge-exact: most multiply-accumulates an output; the least state that fits is taken',
  },
  depth: { type: 'string', description: 'edge-exact: reuse rows in the first layers only, as many as this' },
} as const;

export const calibArgs = {
  calib: {
    type: 'string',
    description: 'Calibration data for a float model: .npy, .npz, .csv or .wav (several inputs: a,b in their order, or one .npz)',
  },
  preset: { type: 'string', description: 'How to quantise: fast, good (default) or best', valueHint: 'name' },
  observer: {
    type: 'string',
    description: 'Ranges of activations: minmax, moving-average, percentile, entropy or mse',
    valueHint: 'name',
  },
  percentile: { type: 'string', description: 'Share of values that percentile covers (default 99.99)' },
  narrow: {
    type: 'string',
    description: "Ranges of mse that become narrower where that is better at the model's outputs: none, inputs or all",
    valueHint: 'which',
  },
  weightRounding: {
    type: 'string',
    description: 'Weights: nearest, or together (errors of an output cancel)',
    valueHint: 'rule',
  },
  weightScales: { type: 'string', description: 'Scales of weights: per-channel or per-tensor', valueHint: 'rule' },
  equalise: { type: 'string', description: 'Scale channels against each other first: on or off', valueHint: 'on|off' },
  biasCorrection: {
    type: 'string',
    description:
      'Take the shift of means back in the bias: on, off or analytic (means of batch normalisation, where the file has it)',
    valueHint: 'on|off|analytic',
  },
  activations: {
    type: 'string',
    description: 'Activations: asymmetric (default) or symmetric (zero point 0)',
    valueHint: 'rule',
  },
  calibWindows: { type: 'string', description: 'Windows to calibrate with; more are sampled (default 256)', valueHint: 'n' },
  calibSampling: {
    type: 'string',
    description: 'Which windows of a longer signal: covering (default), random or first',
    valueHint: 'rule',
  },
  seed: { type: 'string', description: 'Of the sampling (default 1)', valueHint: 'n' },
  calibColumns: { type: 'string', description: 'Columns of a calibration CSV, by name or index', valueHint: 'a,b' },
  calibTruth: {
    type: 'string',
    description: 'Column of a calibration CSV that names the class: all must not be of one',
    valueHint: 'name',
  },
} as const;

export const targetArg = {
  target: {
    type: 'string',
    description:
      'Kernels for: interp (interpreters, and any engine; default), simd (browsers, Node), native (compiled ahead of time for 32-bit cores)',
    valueHint: 'target',
    default: 'interp',
  },
} as const;

export const weightsArg = {
  weights: {
    type: 'string',
    description:
      'Where weights live: embed (in the module, default), linear (a file that the host copies into memory), tile (a file that stays in flash; interp and native)',
    valueHint: 'home',
  },
} as const;

export const homeOf = (args: { weights?: string }) => choiceOption('weights', args.weights, homes) ?? 'embed';

export const styleArg = {
  style: {
    type: 'string',
    description: 'calls (code for this model, default), table (a table of layers and an interpreter) or smallest of both',
  },
} as const;

export const styleOf = (args: { style?: string }) =>
  choiceOption('style', args.style, ['calls', 'table', 'smallest'] as const) ?? 'calls';

export interface ModelOptions {
  model: string;
  timeAxis?: string;
  frame?: string;
  window?: string;
  rounding?: string;
}

export interface CalibOptions {
  calib?: string;
  preset?: string;
  observer?: string;
  percentile?: string;
  narrow?: string;
  weightRounding?: string;
  weightScales?: string;
  equalise?: string;
  biasCorrection?: string;
  activations?: string;
  calibWindows?: string;
  calibSampling?: string;
  seed?: string;
  calibColumns?: string;
  calibTruth?: string;
  /** Of `build` and `quantize`: a .wav becomes its rows. */
  frontEnd?: string;
}

export { readBytes } from './read-file.ts';

export const isWasm = (bytes: Uint8Array): boolean =>
  bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;

/** One length for all inputs, or name=length for each, with commas between them. */
function windowsOf(option: string | undefined): { window?: number; windows?: Record<string, number> } {
  const length = (text: string | undefined) => numberOption('window', text, { min: 1, whole: true });
  if (!option?.includes('=')) return { window: length(option) };
  const pairs = option
    .split(',')
    .map((part) => [part.slice(0, part.lastIndexOf('=')), part.slice(part.lastIndexOf('=') + 1)] as const);
  return { windows: Object.fromEntries(pairs.map(([name, text]) => [name, length(text) ?? 0])) };
}

/** Reads a model file of any format, or the one that a microWakeWord manifest names; the manifest goes into the graph's metadata. */
export async function loadGraph(options: ModelOptions & { calib?: string }, bytes?: Uint8Array): Promise<Graph> {
  const rounding = roundingOption(options.rounding);
  const { path, bytes: data, manifest, notices } = await modelFile(options.model, bytes ?? (await readBytes(options.model)));
  const onNotice = (text: string): void => void process.stderr.write(`${printable(text)}\n`);
  notices.forEach(onNotice);
  const digest = createHash('sha256').update(data);
  const graph = await readModel(data, {
    name: nameOf(manifest ? manifest.model : path),
    path,
    onNotice,
    files: async (beside, limitBytes) => {
      const part = await readNamed(join(dirname(path), beside), limitBytes);
      digest.update(part);
      return part;
    },
    timeAxis: numberOption('time-axis', options.timeAxis, { min: 0, whole: true }),
    frame: numberOption('frame', options.frame, { min: 1, whole: true }),
    ...windowsOf(options.window),
  });
  const question = await frameQuestion(graph, data, options);
  if (question) onNotice(question);
  // over all files of the model, in the order in which they were read
  const ruled = rounding ? withRounding(graph, rounding) : graph;
  const whole = { ...ruled, sourceDigest: graph.sourceDigest || digest.digest('hex') };
  return manifest ? { ...whole, metadata: { ...whole.metadata, ...mwwMetadata(manifest) } } : whole;
}

const nameOf = (path: string): string => basename(path).replace(/\.[^.]*$/, '');

export interface PlanArgs {
  hop?: string;
  mode?: string;
  microHop?: string;
  budgetRam?: string;
  budgetMacs?: string;
  depth?: string;
}

/**
 * Plan options from the command line; the hop defaults to the model's metadata, else to the window. A budget or a depth asks for edge-exact.
 * @throws RN740, also where a budget or a depth stands beside another mode
 */
export function planOptions(graph: Graph, args: PlanArgs): PlanOptions {
  const hop = numberOption('hop', args.hop, { min: 1, whole: true }) ?? hopInFile(graph) ?? windowOf(graph);
  const chosen = choiceOption<Mode>('mode', args.mode, ['windowed', 'edge-exact', 'stream', 'approx', 'misaligned']);
  const microHop = numberOption('micro-hop', args.microHop, { min: 1, whole: true });
  const budgetRam = numberOption('budget-ram', args.budgetRam, { min: 0, whole: true });
  const budgetMacs = numberOption('budget-macs', args.budgetMacs, { min: 0, whole: true });
  const depth = numberOption('depth', args.depth, { min: 0, whole: true });
  const given = Object.entries({ 'budget-ram': budgetRam, 'budget-macs': budgetMacs, depth }).find(
    ([, v]) => v !== undefined,
  )?.[0];
  if (given && chosen && chosen !== 'edge-exact') throw badOption('mode', chosen, `edge-exact, or nothing, beside --${given}`);
  const mode = given ? 'edge-exact' : chosen;
  return {
    hop,
    ...(mode && { mode }),
    ...(microHop && { microHop }),
    ...(budgetRam !== undefined && { budgetRam }),
    ...(budgetMacs !== undefined && { budgetMacs }),
    ...(depth !== undefined && { depth }),
  };
}

/** All frames of a source for each input, `[frames][f][c]`: one file, or several with commas between them, or one .npz. */
export async function loadSignals(graph: Graph, paths: string): Promise<Float32Array[]> {
  const { rates } = clockOf(graph);
  const inputs = graph.inputs.map(({ name, tensor }, i) => ({
    name,
    elements: frameOf(graph.tensors[tensor]?.shape ?? { t: 0, f: 0, c: 0 }),
    rate: rates[i] as number,
  }));
  const [first] = inputs;
  if (inputs.length === 1 && first) {
    const { openSource } = await import('../sources/index.ts');
    return [await wholeSignal((await openSource(paths, { frameElements: first.elements })).frames)];
  }
  const { openEach } = await import('../sources/several.ts');
  const sources = await openEach(inputs, paths.split(','), {});
  const signals: Float32Array[] = [];
  for (const source of sources) signals.push(await wholeSignal(source.frames));
  return signals;
}

async function wholeSignal(frames: AsyncIterable<Float32Array>): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  let total = 0;
  for await (const part of frames) {
    parts.push(part.slice());
    total += part.length;
  }
  const out = new Float32Array(total);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Methods named on the command line; what is not named is the preset's. */
export function methodOptions(args: CalibOptions): Partial<Methods> & SampleOptions & { preset?: Preset } {
  const { preset } = args;
  const onOff = (name: string, value: string | undefined) => {
    const chosen = choiceOption(name, value, ['on', 'off'] as const);
    return chosen && chosen === 'on';
  };
  const methods = {
    preset: choiceOption('preset', preset, presetNames),
    observer: choiceOption('observer', args.observer, observerKinds),
    percentile: numberOption('percentile', args.percentile, { min: 50, max: 100 }),
    narrow: choiceOption('narrow', args.narrow, ['none', 'inputs', 'all'] as const),
    rounding: choiceOption('weight-rounding', args.weightRounding, ['nearest', 'together'] as const),
    weightScales: choiceOption('weight-scales', args.weightScales, ['per-channel', 'per-tensor'] as const),
    equalise: onOff('equalise', args.equalise),
    biasCorrection: args.biasCorrection === 'analytic' ? 'analytic' : onOff('bias-correction', args.biasCorrection),
    activations: choiceOption('activations', args.activations, ['asymmetric', 'symmetric'] as const),
    calibWindows: numberOption('calib-windows', args.calibWindows, { min: 1, max: 1 << 20, whole: true }),
    sampling: choiceOption('calib-sampling', args.calibSampling, samplings),
    seed: numberOption('seed', args.seed, { min: 0, max: 2 ** 32 - 1, whole: true }),
  };
  return Object.fromEntries(Object.entries(methods).filter(([, v]) => v !== undefined));
}

export const noCalibration = (graph: Graph): RunletError =>
  new RunletError('RN405', {
    what: `${graph.name} is a float model and no calibration data was given`,
    why: 'int8 needs the range of every activation, and only your signal has it',
    tryThis: '--calib signal.npy (some hundred windows of the real signal)',
  });

/** Quantises a float graph with the data named on the command line. @throws RN405 where there is none */
export async function quantised(graph: Graph, plan: PlanOptions, args: CalibOptions, noReport = false): Promise<Quantized> {
  if (!args.calib) throw noCalibration(graph);
  const { quantizeStream } = await import('../../quant/quantize.ts');
  const { calibrationChunks, printWarnings, progressBar } = await import('./calibration.ts');
  const options = methodOptions(args);
  const { chunks, totalTicks } = await calibrationChunks(graph, { ...args, calib: args.calib });
  const bar = await progressBar(totalTicks);
  const stop = interruptible();
  try {
    const { onProgress, onTicks } = bar;
    const result = await quantizeStream(graph, plan, chunks, { ...options, noReport, onProgress, onTicks, signal: stop.signal });
    bar.stop();
    printWarnings(result.calibration.warnings);
    return result;
  } finally {
    bar.stop();
    stop.release();
  }
}

/** Model file to QuantPlan: float models are quantised on the way. */
export async function loadQuantPlan(graph: Graph, options: PlanOptions, args: CalibOptions): Promise<QuantPlan> {
  const { quantPlan } = await import('../../quant/plan.ts');
  const int8 = isQuantised(graph) ? graph : (await quantised(graph, options, args, true)).graph;
  return quantPlan(int8, options);
}

export const detectorArgs = {
  labels: { type: 'string', description: 'Names of the classes of a classifier, in their order', valueHint: 'a,b,c' },
  label: {
    type: 'string',
    description: 'The word that is heard; of a model with several labels the only one',
    valueHint: 'word',
  },
  cutoff: {
    type: 'string',
    description: 'Mean probability above which a word is heard, 0 to 1; for single labels yes=0.9,no=0.8',
    valueHint: 'p',
  },
  slidingWindow: { type: 'string', description: 'Outputs in the mean', valueHint: 'n' },
  refractoryMs: { type: 'string', description: 'Milliseconds below the cutoff before the next detection', valueHint: 'ms' },
} as const;

export interface DetectorOptions {
  labels?: string;
  label?: string;
  cutoff?: string;
  slidingWindow?: string;
  refractoryMs?: string;
}

/** A cutoff for all labels, or label=cutoff for each, with commas between them. @throws RN740 */
function cutoffsOf(option: string | undefined): { cutoff?: number; cutoffs?: Record<string, number> } {
  const found: { cutoff?: number; cutoffs?: Record<string, number> } = {};
  for (const part of option?.split(',') ?? []) {
    const at = part.lastIndexOf('=');
    const cutoff = numberOption('cutoff', part.slice(at + 1), { min: 0, max: 1 }) as number;
    if (at < 0) found.cutoff = cutoff;
    else found.cutoffs = { ...found.cutoffs, [part.slice(0, at).trim()]: cutoff };
  }
  return found;
}

/** Names with commas between them. */
export const labelsOf = (text: string | undefined): string[] | undefined => text?.split(',').map((label) => label.trim());

/** What the command line says of a detector; undefined fields were not given. @throws RN740 */
export const detectorOptions = (args: DetectorOptions) => ({
  label: args.label,
  ...cutoffsOf(args.cutoff),
  slidingWindow: numberOption('sliding-window', args.slidingWindow, { min: 1, max: 4096, whole: true }),
  refractoryMs: numberOption('refractory-ms', args.refractoryMs, { min: 0 }),
});

/** Manifest fields that a model's metadata may carry. Options come before the metadata. @throws RN133, RN740 */
export const manifestFields = (graph: Graph, args: DetectorOptions = {}) =>
  fieldsOf(graph, detectorOptions(args), labelsOf(args.labels));
