/**
 * What the model verbs share: reading a model, calibration data, and the way from a file to a QuantPlan.
 *
 * In: command-line options.  Out: Graph, calibration signal, QuantPlan.  RN720 / RN721 where a file cannot be
 * read.
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
import type { SampleOptions } from '../../quant/calibration/collect.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import type { Methods, Preset } from '../../quant/presets.ts';
import type { Quantized } from '../../quant/quantize.ts';
import { manifestFields as fieldsOf, hopInFile, modeInFile, withSettings } from '../model-fields.ts';
import { badOption } from './args.ts';
import type { SignalFacts } from './calibration.ts';
import { frameQuestion } from './data-columns.ts';
import { modelFile } from './model-file.ts';
import type { CalibOptions, DetectorOptions, ModelOptions, PlanArgs, SignalOptions } from './model-options.ts';
import { readBeside, readBytes } from './read-file.ts';

export { windowOf } from '../model-fields.ts';

export { readBytes } from './read-file.ts';

export const isWasm = (bytes: Uint8Array): boolean =>
  bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;

/**
 * The model, and those after it as one (--then). Each is read as the options say that are of this one, but
 * for its frames. The digest is that of their digests.
 */
export async function loadGraph(options: ModelOptions & { calib?: string }, bytes?: Uint8Array): Promise<Graph> {
  let graph = await loadOne(options, bytes);
  for (const model of options.then ?? []) {
    const [output] = graph.outputs;
    const frame = output && viewOf(graph).frame(output.tensor);
    const next = await loadOne({ model, frame, rounding: options.rounding });
    const sourceDigest = createHash('sha256').update(graph.sourceDigest).update(next.sourceDigest).digest('hex');
    graph = { ...chainGraphs(graph, next, options.thenStep), sourceDigest };
  }
  return graph;
}

/**
 * Reads a model file of any format, or the one that a microWakeWord manifest names; the manifest goes into
 * the graph's metadata.
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
    files: async (beside, limitBytes) => {
      const part = await readBeside(dirname(path), beside, limitBytes);
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
  // over all files of the model, in the order in which they were read
  const ruled = rounding ? withRounding(graph, rounding) : graph;
  const whole = { ...ruled, sourceDigest: graph.sourceDigest || digest.digest('hex') };
  return manifest ? { ...whole, metadata: { ...whole.metadata, ...mwwMetadata(manifest) } } : whole;
}

/** A graph for what people read: with --names file or as JSON the names are the file's. */
export const namedFor = (graph: Graph, { names, json }: { names?: 'short' | 'file'; json?: boolean }): Graph =>
  names === 'file' || json ? graph : withShortNames(graph);

/** The same for single names. */
export const namesOf = (graph: Graph, { names }: { names?: 'short' | 'file' }): ((name: string) => string) =>
  names === 'file' ? (name) => name : shortener(graph);

const nameOf = (path: string): string => basename(path).replace(/\.[^.]*$/, '');

/**
 * The hop that the user asks for, else the model's, else about a tenth of the window; and why, with others
 * that are cheap.
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

/** Hops of graphs that name none, so that one is chosen and said once. */
const assumed = new WeakMap<Graph, number>();

function assumedHop(graph: Graph, mode: Mode | undefined): number {
  const known = assumed.get(graph);
  if (known !== undefined) return known;
  const { hop, why } = hopOf(graph, undefined, mode);
  assumed.set(graph, hop);
  // a model with its own state has one step, and no choice
  if (!graph.stateful) process.stderr.write(`hop ${hop}: ${why}; --hop takes another\n`);
  return hop;
}

/**
 * Plan options from the command line, else from the model's metadata; a model without a hop gets one
 * (models/stream/default-hop.ts). A budget or a depth asks for edge-exact.
 * @throws RN740, also where a budget or a depth stands beside another mode
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
  if (given && chosen && chosen !== 'edge-exact') throw badOption('mode', chosen, `edge-exact, or nothing, beside --${given}`);
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
 * All frames of a source for each input, `[frames][f][c]`: one file, or several with commas between them, or
 * one .npz.
 */
export async function loadSignals(
  graph: Graph,
  paths: string,
  { columns, channel, truth, rate }: SignalOptions = {},
): Promise<Float32Array[]> {
  const { readRecording } = await import('../recording.ts');
  return (await readRecording(graph, paths, { columns, channel, truth, sampleRateHz: rate })).signals;
}

/** Methods named on the command line; what is not named is the preset's. */
export function methodOptions(args: CalibOptions): Partial<Methods> & SampleOptions & { preset?: Preset } {
  const { preset, observer, percentile, narrow, weightScales, equalise, biasCorrection, activations, calibWindows, seed } = args;
  const methods = {
    ...{ preset, observer, percentile, narrow, weightScales, equalise, biasCorrection, activations, calibWindows, seed },
    rounding: args.weightRounding,
    sampling: args.calibSampling,
  };
  return Object.fromEntries(Object.entries(methods).filter(([, v]) => v !== undefined));
}

export const noCalibration = (graph: Graph): RunletError =>
  new RunletError('RN405', {
    what: `${graph.name} is a float model and no calibration data was given`,
    why: 'int8 needs the range of every activation, and only your signal has it',
    tryThis: '--calib signal.npy (some hundred windows of the real signal)',
  });

/**
 * The graph with what was said of it, so that files made of it say so too: hop, mode, rate, labels, columns,
 * truth.
 * @param facts what the calibration signal says; the command line comes first, and the model's own rate.
 * @throws RN755, RN756 labels or columns that do not fit
 */
export function withSaid(graph: Graph, { hop }: PlanOptions, args: PlanArgs & SignalOptions, facts: SignalFacts = {}): Graph {
  const { mode, labels, truthAt, rate } = args;
  const named = args.columns?.every((name) => !/^\d+$/.test(name)) ? args.columns : undefined;
  const ownHz = Number(graph.metadata['runlet.sample_rate_hz']);
  const sampleRateHz = rate ?? (ownHz > 0 ? undefined : facts.sampleRateHz);
  return withSettings(graph, { hop, mode, labels, truthAt, sampleRateHz, columns: named ?? facts.columns });
}

/** Quantises a float graph with the data named on the command line. @throws RN405 where there is none */
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
  withSaid(graph, plan, args); // what does not fit is refused before the work
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

/** Model file to QuantPlan: float models are quantised on the way. */
export async function loadQuantPlan(graph: Graph, options: PlanOptions, args: CalibOptions & PlanArgs): Promise<QuantPlan> {
  const { quantPlan } = await import('../../quant/plan.ts');
  const int8 = isQuantised(graph) ? withSaid(graph, options, args) : (await quantised(graph, options, args, true)).graph;
  return quantPlan(planStream(int8, options));
}

/** What the command line says of a detector; undefined fields were not given. */
export const detectorOptions = ({ label, cutoff, slidingWindow, refractoryMs }: DetectorOptions) => ({
  ...{ label, slidingWindow, refractoryMs },
  ...cutoff,
});

/** Manifest fields that a model's metadata may carry. Options come before the metadata. @throws RN133 */
export const manifestFields = (graph: Graph, args: DetectorOptions = {}) => fieldsOf(graph, detectorOptions(args), args.labels);
