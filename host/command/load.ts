/**
 * Shared by the verbs that take a model: reads it, plans it, and quantises it with calibration data.
 *
 * In: command-line options.  Out: Graph, plan options, calibration signal, QuantPlan.
 * Errors: RN720 or RN721 if a file cannot be read.
 */

import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { RunletError } from '../../models/error.ts';
import { shortener, withShortNames } from '../../models/graph/names.ts';
import { withRounding } from '../../models/graph/rounding.ts';
import { type Graph, isQuantised } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { printable } from '../../models/printable.ts';
import { mwwMetadata } from '../../models/read/detection.ts';
import { readModel } from '../../models/read/index.ts';
import { chainGraphs } from '../../models/stream/chain.ts';
import { cheaperHops, defaultHop } from '../../models/stream/default-hop.ts';
import type { Mode } from '../../models/stream/modes.ts';
import { planStream } from '../../models/stream/plan.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import { withWindows } from '../../models/stream/windows.ts';
import type { SampleOptions } from '../../quant/calibration/collect.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import type { Methods, Preset } from '../../quant/presets.ts';
import type { Quantized } from '../../quant/quantize.ts';
import { manifestFields as fieldsOf, hopInFile, modeInFile, withSettings } from '../model-fields.ts';
import { badOption } from './args.ts';
import type { SignalFacts } from './calibration.ts';
import { frameQuestion } from './data-columns.ts';
import { modelFile } from './model-file.ts';
import type {
  CalibOptions,
  DetectorOptions,
  Length,
  ModelOptions,
  PlanArgs,
  SettingOptions,
  SignalOptions,
} from './model-options.ts';
import { readBeside, readBytes } from './read-file.ts';

export { windowOf } from '../model-fields.ts';

export { readBytes } from './read-file.ts';

/** Checks whether the bytes begin as a WebAssembly module. */
export const isWasm = (bytes: Uint8Array): boolean =>
  bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;

/** Returns lengths in frames. @throws RN740 if seconds are given and the model's frames have no rate */
function framesOf(graph: Graph, lengths: readonly Length[], rate = Number(graph.metadata['runlet.sample_rate_hz'])): number[] {
  return lengths.map((length) => {
    if ('frames' in length) return length.frames;
    if (rate > 0) return Math.round(length.seconds * rate);
    throw badOption('windows', `${length.seconds}s`, 'frames here, because the model does not say how many a second has');
  });
}

/**
 * Reads the model and the models of --then, and joins them to one graph; adds the windows of --windows. The
 * reading options apply to the first model only; a later model takes its frame from the output before it, and
 * the same rounding. The digest of the chain is the digest of the digests.
 */
export async function loadGraph(
  options: ModelOptions & { calib?: string; rate?: number | undefined },
  bytes?: Uint8Array,
): Promise<Graph> {
  let graph = await loadOne(options, bytes);
  for (const model of options.then ?? []) {
    const [output] = graph.outputs;
    const frame = output && viewOf(graph).frame(output.tensor);
    const next = await loadOne({ model, frame, rounding: options.rounding });
    const sourceDigest = createHash('sha256').update(graph.sourceDigest).update(next.sourceDigest).digest('hex');
    graph = { ...chainGraphs(graph, next, options.thenStep), sourceDigest };
  }
  return options.windows ? withWindows(graph, framesOf(graph, options.windows, options.rate)) : graph;
}

/**
 * Reads a model file of any format. A microWakeWord manifest names its model file; the graph's metadata takes
 * the manifest over.
 */
async function loadOne(options: ModelOptions & { calib?: string }, bytes?: Uint8Array): Promise<Graph> {
  const { rounding } = options;
  const { path, bytes: data, manifest, notices } = await modelFile(options.model, bytes ?? (await readBytes(options.model)));
  const onNotice = (text: string): void => void process.stderr.write(`${printable(text)}\n`);
  notices.forEach(onNotice);
  const digest = createHash('sha256').update(data);
  const graph = await readModel(data, {
    name: nameOf(manifest ? manifest.model : path),
    path,
    onNotice,
    files: async (partPath, limitBytes) => {
      const part = await readBeside(dirname(path), partPath, limitBytes);
      digest.update(part);
      return part;
    },
    timeAxis: options.timeAxis,
    frame: options.frame,
    ...options.window,
    ...(options.set && { set: options.set }),
    ...(options.state && { states: options.state }),
  });
  const question = await frameQuestion(graph, data, options);
  if (question) onNotice(question);
  const rounded = rounding ? withRounding(graph, rounding) : graph;
  // the digest covers all files of the model, in the order of reading
  const whole = { ...rounded, sourceDigest: graph.sourceDigest || digest.digest('hex') };
  return manifest ? { ...whole, metadata: { ...whole.metadata, ...mwwMetadata(manifest) } } : whole;
}

/** Returns the graph with short layer names; with `--names file` or JSON it keeps the file's names. */
export const namedFor = (graph: Graph, { names, json }: { names?: 'short' | 'file'; json?: boolean }): Graph =>
  names === 'file' || json ? graph : withShortNames(graph);

/** Returns a function that does the same for a single name. */
export const namesOf = (graph: Graph, { names }: { names?: 'short' | 'file' }): ((name: string) => string) =>
  names === 'file' ? (name) => name : shortener(graph);

const nameOf = (path: string): string => basename(path).replace(/\.[^.]*$/, '');

/**
 * Returns the hop: the user's, else the model's, else about a tenth of the window. `why` gives the reason and
 * lists other cheap hops.
 */
export function hopOf(graph: Graph, asked: number | undefined, mode: Mode | undefined): { hop: number; why: string } {
  if (asked !== undefined) return { hop: asked, why: 'as you asked' };
  const named = hopInFile(graph);
  if (named !== undefined) return { hop: named, why: 'as the model file says' };
  const options = mode && { mode };
  const { hop, why } = defaultHop(graph, options);
  const cheaper = cheaperHops(graph, options);
  return { hop, why: cheaper.length > 0 ? `${why}; cheaper than their neighbours: ${cheaper.join(', ')}` : why };
}

/** Chosen hops of graphs that name none, so that each graph gets one notice. */
const assumed = new WeakMap<Graph, number>();

function assumedHop(graph: Graph, mode: Mode | undefined): number {
  const known = assumed.get(graph);
  if (known !== undefined) return known;
  const { hop, why } = hopOf(graph, undefined, mode);
  assumed.set(graph, hop);
  // a model that keeps its own state runs at a fixed hop, so there is no choice to report
  if (!graph.stateful) process.stderr.write(`hop ${hop}: ${why}; --hop takes another\n`);
  return hop;
}

/**
 * Returns the plan options of the command line, else of the model's metadata. A model without a hop gets a
 * default (models/stream/default-hop.ts). A budget or a depth selects mode edge-exact.
 * @throws RN740 if a value cannot be used, or if a budget or a depth is given with another mode.
 */
export function planOptions(graph: Graph, args: PlanArgs): PlanOptions {
  const { mode: asked, ...rest } = args;
  const limited = [args.budgetRam, args.budgetMacs, args.depth].some((limit) => limit !== undefined);
  const chosen = asked ?? (limited ? undefined : modeInFile(graph));
  const hop = args.hop ?? hopInFile(graph) ?? assumedHop(graph, chosen);
  const { prefer, microHop, budgetRam, budgetMacs, depth } = rest;
  const given = Object.entries({ 'budget-ram': budgetRam, 'budget-macs': budgetMacs, depth }).find(
    ([, v]) => v !== undefined,
  )?.[0];
  if (given && chosen && chosen !== 'edge-exact') throw badOption('mode', chosen, `only edge-exact together with --${given}`);
  const mode = given ? 'edge-exact' : chosen;
  return {
    hop,
    ...(mode && { mode }),
    ...(prefer && { prefer }),
    ...(microHop && { microHop }),
    ...(budgetRam !== undefined && { budgetRam }),
    ...(budgetMacs !== undefined && { budgetMacs }),
    ...(depth !== undefined && { depth }),
  };
}

/**
 * Reads all frames of each input.
 * @param paths one file, several separated by commas, or one .npz. @returns f32 `[frames][f][c]` per input.
 */
export async function loadSignals(
  graph: Graph,
  paths: string,
  { columns, channel, truth, rate }: SignalOptions = {},
): Promise<Float32Array[]> {
  const { readRecording } = await import('../recording.ts');
  return (await readRecording(graph, paths, { columns, channel, truth, sampleRateHz: rate })).signals;
}

/** Returns the quantisation methods that the command line names; the preset supplies the others. */
export function methodOptions(args: CalibOptions): Partial<Methods> & SampleOptions & { preset?: Preset } {
  const { preset, observer, percentile, narrow, weightScales, equalise, biasCorrection, activations, calibWindows, seed } = args;
  const methods = {
    ...{ preset, observer, percentile, narrow, weightScales, equalise, biasCorrection, activations, calibWindows, seed },
    rounding: args.weightRounding,
    sampling: args.calibSampling,
  };
  return Object.fromEntries(Object.entries(methods).filter(([, v]) => v !== undefined));
}

/** Makes the error RN405: no calibration data for a float model. */
export const noCalibration = (graph: Graph): RunletError =>
  new RunletError('RN405', {
    what: `${graph.name} is a float model and no calibration data was given`,
    why: 'int8 needs the range of every activation, and these ranges come from your signal',
    tryThis: '--calib signal.npy (a few hundred windows of the real signal)',
  });

/**
 * Returns the graph with the given hop, mode, rate, labels, columns, truth place and accuracy in its
 * metadata, so that files written from it keep them.
 * @param facts facts of the calibration signal, used if neither the command line nor, for the rate, the model
 * states them. @throws RN755, RN756 if labels or columns do not fit the model.
 */
export function withSaid(graph: Graph, { hop }: PlanOptions, args: SettingOptions, facts: SignalFacts = {}): Graph {
  const { mode, labels, truthAt, rate, accuracy } = args;
  const named = args.columns?.every((name) => !/^\d+$/.test(name)) ? args.columns : undefined;
  const modelHz = Number(graph.metadata['runlet.sample_rate_hz']);
  const sampleRateHz = rate ?? (modelHz > 0 ? undefined : facts.sampleRateHz);
  return withSettings(graph, { hop, mode, labels, truthAt, accuracy, sampleRateHz, columns: named ?? facts.columns });
}

/** Quantises a float graph with the data of --calib. @throws RN405 if --calib is missing. */
export async function quantised(
  graph: Graph,
  plan: PlanOptions,
  args: CalibOptions & PlanArgs & { names?: 'short' | 'file' },
  noReport = false,
): Promise<Quantized> {
  if (!args.calib) throw noCalibration(graph);
  const { quantizeStream } = await import('../../quant/quantize.ts');
  const { calibrationChunks, printWarnings, progressBar } = await import('./calibration.ts');
  const options = methodOptions(args);
  withSaid(graph, plan, args); // throws for unfitting labels or columns before the long work
  const { chunks, totalTicks, facts } = await calibrationChunks(graph, { ...args, calib: args.calib });
  const bar = await progressBar(totalTicks);
  try {
    const { onProgress, onTicks } = bar;
    const result = await quantizeStream(graph, chunks, { ...plan, ...options, noReport, onProgress, onTicks });
    bar.stop();
    printWarnings(result.calibration.warnings, namesOf(graph, args));
    return { ...result, graph: withSaid(result.graph, plan, args, facts) };
  } finally {
    bar.stop();
  }
}

/** Makes the QuantPlan of a graph; quantises a float graph first. */
export async function loadQuantPlan(graph: Graph, options: PlanOptions, args: CalibOptions & PlanArgs): Promise<QuantPlan> {
  const { quantPlan } = await import('../../quant/plan.ts');
  const int8 = isQuantised(graph) ? withSaid(graph, options, args) : (await quantised(graph, options, args, true)).graph;
  return quantPlan(planStream(int8, options));
}

/** Returns the detector settings of the command line; fields that were not given are undefined. */
export const detectorOptions = ({ label, cutoff, slidingWindow, refractoryMs }: DetectorOptions) => ({
  ...{ label, slidingWindow, refractoryMs },
  ...cutoff,
});

/** Returns the manifest fields from the options, else from the model's metadata. @throws RN133 */
export const manifestFields = (graph: Graph, args: DetectorOptions = {}) => fieldsOf(graph, detectorOptions(args), args.labels);
