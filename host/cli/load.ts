/**
 * What the model verbs share: reading a model, calibration data, and the way from a file to a QuantPlan.
 *
 * In: command-line options.  Out: Graph, calibration signal, QuantPlan.  RN720 / RN721 where a file cannot be read.
 */
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { RunletError } from '../../models/error.ts';
import { shortener, withShortNames } from '../../models/graph/names.ts';
import { withRounding } from '../../models/graph/rounding.ts';
import { frameOf, type Graph, isQuantised } from '../../models/graph/types.ts';
import { printable } from '../../models/printable.ts';
import { mwwMetadata } from '../../models/read/detection.ts';
import { readModel } from '../../models/read/index.ts';
import { clockOf } from '../../models/stream/clock.ts';
import type { PlanOptions } from '../../models/stream/types.ts';
import type { SampleOptions } from '../../quant/calibration/collect.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import type { Methods, Preset } from '../../quant/presets.ts';
import type { Quantized } from '../../quant/quantize.ts';
import { manifestFields as fieldsOf, hopInFile, windowOf } from '../model-fields.ts';
import { badOption } from './args.ts';
import { modelFile } from './model-file.ts';
import type { CalibOptions, DetectorOptions, ModelOptions, PlanArgs } from './model-options.ts';
import { readBytes, readNamed } from './read-file.ts';

export { windowOf } from '../model-fields.ts';

export { readBytes } from './read-file.ts';

export const isWasm = (bytes: Uint8Array): boolean =>
  bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;

/** Reads a model file of any format, or the one that a microWakeWord manifest names; the manifest goes into the graph's metadata. */
export async function loadGraph(options: ModelOptions, bytes?: Uint8Array): Promise<Graph> {
  const { rounding } = options;
  const { path, bytes: data, manifest, notices } = await modelFile(options.model, bytes ?? (await readBytes(options.model)));
  for (const notice of notices) process.stderr.write(`${printable(notice)}\n`);
  const digest = createHash('sha256').update(data);
  const graph = await readModel(data, {
    name: nameOf(manifest ? manifest.model : path),
    files: async (beside, limitBytes) => {
      const part = await readNamed(join(dirname(path), beside), limitBytes);
      digest.update(part);
      return part;
    },
    timeAxis: options.timeAxis,
    frame: options.frame,
    ...options.window,
  });
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
 * Plan options from the command line; the hop defaults to the model's metadata, else to the window. A budget or a depth asks for edge-exact.
 * @throws RN740, also where a budget or a depth stands beside another mode
 */
export function planOptions(graph: Graph, args: PlanArgs): PlanOptions {
  const { hop = hopInFile(graph) ?? windowOf(graph), mode: chosen, ...rest } = args;
  const { microHop, budgetRam, budgetMacs, depth } = rest;
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

/** Quantises a float graph with the data named on the command line. @throws RN405 where there is none */
export async function quantised(
  graph: Graph,
  plan: PlanOptions,
  args: CalibOptions & { names?: 'short' | 'file' },
  noReport = false,
): Promise<Quantized> {
  if (!args.calib) throw noCalibration(graph);
  const { quantizeStream } = await import('../../quant/quantize.ts');
  const { calibrationChunks, printWarnings, progressBar } = await import('./calibration.ts');
  const options = methodOptions(args);
  const { chunks, totalTicks } = await calibrationChunks(graph, { ...args, calib: args.calib });
  const bar = await progressBar(totalTicks);
  try {
    const { onProgress, onTicks } = bar;
    const result = await quantizeStream(graph, plan, chunks, { ...options, noReport, onProgress, onTicks });
    bar.stop();
    printWarnings(result.calibration.warnings, namesOf(graph, args));
    return result;
  } finally {
    bar.stop();
  }
}

/** Model file to QuantPlan: float models are quantised on the way. */
export async function loadQuantPlan(graph: Graph, options: PlanOptions, args: CalibOptions): Promise<QuantPlan> {
  const { quantPlan } = await import('../../quant/plan.ts');
  const int8 = isQuantised(graph) ? graph : (await quantised(graph, options, args, true)).graph;
  return quantPlan(int8, options);
}

/** What the command line says of a detector; undefined fields were not given. */
export const detectorOptions = ({ label, cutoff, slidingWindow, refractoryMs }: DetectorOptions) => ({
  ...{ label, slidingWindow, refractoryMs },
  ...cutoff,
});

/** Manifest fields that a model's metadata may carry. Options come before the metadata. @throws RN133 */
export const manifestFields = (graph: Graph, args: DetectorOptions = {}) => fieldsOf(graph, detectorOptions(args), args.labels);
