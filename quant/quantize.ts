/**
 * quantize: converts a float Graph to an int8 Graph with the help of calibration data.
 *
 * In: a float Graph; a signal `[frames][f][c]` for each input, or windows chosen from a long signal; options
 * (how the model will run, and how to quantise).
 * Out: the int8 Graph, a report per layer, and a report on the calibration.  Deterministic.
 * Source: TensorFlow Lite 8-bit quantisation specification.  Cost: one pass over the data. Equalisation adds
 * one over at most 64 windows; narrowing of ranges adds runs over 48 windows.
 */

import { RunletError } from '../models/error.ts';
import { hasWeights } from '../models/graph/channels.ts';
import { type Graph, isQuantised, type QuantParams, type Tensor } from '../models/graph/types.ts';
import { viewOf } from '../models/graph/view.ts';
import { append, resultOf } from '../models/lists.ts';
import { planStream } from '../models/stream/plan.ts';
import { planFor } from '../models/stream/rebind.ts';
import { type PlanOptions, planOptionsOf, type StreamPlan } from '../models/stream/types.ts';
import type { CalibrateOptions } from './calibrate.ts';
import { checkCalibration } from './calibration/check.ts';
import { type Chunks, collectCalibration, type SampleOptions } from './calibration/collect.ts';
import { type Convergence, convergenceOf } from './calibration/convergence.ts';
import { InputSummary } from './calibration/input-summary.ts';
import { type Calibration, type CalibrationSet, isSet, piecesOf } from './calibration/signals.ts';
import { sizeOf } from './calibration/units.ts';
import {
  type CalibrationWarning,
  deadWarnings,
  inputWarnings,
  noiseWarnings,
  outputWarnings,
  rangeWarnings,
  sizeWarnings,
} from './calibration/warnings.ts';
import { nearMasks } from './masks.ts';
import { analyticMeans } from './methods/analytic-means.ts';
import { type Equalised, equalise } from './methods/equalise.ts';
import { narrowRanges } from './methods/narrow-ranges.ts';
import { sharedRanges } from './methods/shared-ranges.ts';
import { type Observed, observe } from './observe.ts';
import type { MeanSquaredError } from './observers/mse.ts';
import { quantPlan } from './plan.ts';
import { type Methods, methodsOf, type Preset } from './presets.ts';
import { type LayerReport, layerReport } from './report.ts';
import { chooseScales } from './scales.ts';
import { int8Node, int8Operand, int8Recurrent } from './weights.ts';

export interface QuantizeOptions extends CalibrateOptions, Partial<Methods> {
  /** The preset (quant/presets.ts) of all methods that are not given. Default `good`. */
  preset?: Preset;
  /** True: makes no per-layer report. (The report runs the reference on a part of the signal.) */
  noReport?: boolean;
  /**
   * Cache of calibration statistics. The first call fills it; later calls with the same graph, data,
   * observer, equalisation and rounding reuse it.
   */
  seen?: Seen;
}

/** Statistics of the latest passes over the data, reused by later calls (quant/search/search.ts). */
export type Seen = Map<string, Found>;
interface Found {
  plan: StreamPlan;
  equalised: Equalised['changes'];
  seen: Observed;
  /** Narrowed ranges, by the `narrow` and `activations` methods; they depend on no other method. */
  narrower: Map<string, Map<number, [number, number]>>;
}
const maxCachedPasses = 4;

export interface Quantized {
  graph: Graph;
  /** The float graph that was rounded: the given one, with equalised channels if `equalise` is on. */
  float: Graph;
  ranges: Map<number, [number, number]>;
  report: LayerReport[];
  methods: Methods;
  /** Tensors whose channels were scaled against each other. */
  equalised: Equalised['changes'];
  calibration: CalibrationReport;
}

/** Report on the calibration data. */
export interface CalibrationReport extends Omit<CalibrationSet, 'pieces' | 'summaries' | 'heldBytes'> {
  convergence: Convergence;
  warnings: CalibrationWarning[];
  /** Number of layers whose bias correction used the means of batch normalisation, not measured ones. */
  analyticMeans: number;
}

export interface Progress {
  step: 'read' | 'channels' | 'ranges' | 'narrow' | 'report';
  /** Completed share of this step, 0 to 1. Unknown for `read`. */
  share?: number;
}

/** Plans the float graph for calibration. @throws RN404, RN2xx */
function planOf(graph: Graph, options: PlanOptions): StreamPlan {
  if (isQuantised(graph)) {
    throw new RunletError('RN404', {
      what: `${graph.name} is int8 already`,
      why: 'it keeps the scales of its file',
      tryThis: 'leave --calib out',
    });
  }
  return planStream(graph, planOptionsOf(options));
}

/**
 * Quantises a float graph.
 * @param options how the model will run, and how to quantise
 * @throws RunletError RN404 (already int8), RN41x (calibration data), RN2xx (plan)
 */
export const quantize = (graph: Graph, signal: Calibration, options: PlanOptions & QuantizeOptions): Quantized =>
  quantizePlanned(planOf(graph, options), signal, options);

/** Quantises a planned float graph. @throws RunletError RN41x */
export const quantizePlanned = (plan: StreamPlan, signal: Calibration, how: QuantizeOptions): Quantized =>
  resultOf(quantizeSteps(plan, signal, how));

export interface QuantizeStreamOptions extends QuantizeOptions, SampleOptions {
  onProgress?: (progress: Progress) => void;
  /** Aborts the work between two steps; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Quantises with a signal of any length, read chunk by chunk; calibration runs on windows chosen from it
 * (quant/calibration/collect.ts). Yields to the event loop between its steps.
 * @throws RunletError RN404, RN41x, RN2xx; the signal's reason
 */
export async function quantizeStream(graph: Graph, chunks: Chunks, how: PlanOptions & QuantizeStreamOptions): Promise<Quantized> {
  const { onProgress, signal } = how;
  const plan = planOf(graph, how);
  const set = await collectCalibration(plan, chunks, {
    ...how,
    onTicks: (ticks) => {
      signal?.throwIfAborted();
      how.onTicks?.(ticks);
      onProgress?.({ step: 'read' });
    },
  });
  const steps = quantizeSteps(plan, set, how);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    onProgress?.(value);
    await new Promise<void>((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
  }
}

function* quantizeSteps(
  first: StreamPlan,
  calibration: Calibration,
  how: QuantizeOptions,
): Generator<Progress, Quantized, undefined> {
  const { graph } = first;
  const methods = methodsOf(how);
  checkCalibration(first, calibration);
  const warnings = sizeWarnings(sizeOf(first, calibration));
  const key = [methods.observer, methods.percentile, methods.equalise, methods.rounding].join();
  const found = how.seen?.get(key) ?? (yield* seenOf(first, calibration, how, methods));
  if (how.seen) {
    how.seen.delete(key);
    how.seen.set(key, found);
    for (const old of [...how.seen.keys()].slice(0, -maxCachedPasses)) how.seen.delete(old);
  }
  const { plan, equalised, seen } = found;
  const { ranges, quant } = yield* scalesOf(found, methods, calibration);
  const tensors = graph.tensors.map((t) => ({ ...t, quant: quant.get(t.id) as QuantParams }));
  const analytic = methods.biasCorrection === 'analytic' ? analyticMeans(plan.graph) : undefined;
  const nodes = plan.graph.nodes.map((node) => {
    if (!hasWeights(node)) return int8Operand(int8Recurrent(node, quant.get(node.output) as QuantParams, seen.hidden.get(node)));
    const [x] = node.inputs as [number];
    const [known, stats] = [analytic?.get(x), seen.stats.get(x)];
    const mean = known ? (c: number) => known[c] as number : stats && ((c: number) => stats.mean(c));
    return int8Node(node, tensors[x] as Tensor, { mean, grams: seen.grams.get(node) }, methods);
  });
  const int8: Graph = { ...graph, tensors, nodes };
  if (!how.noReport) yield { step: 'report', share: 0 };
  const report = how.noReport ? [] : layerReport(plan, quantPlan(planFor(plan, int8)), calibration);
  const about = aboutOf(first, calibration);
  const convergence = convergenceOf(seen.watched, about.windowsUsed);
  append(warnings, [
    ...inputWarnings(graph, about.summaries),
    ...rangeWarnings(graph, convergence),
    ...outputWarnings(seen.outputs),
    ...deadWarnings(plan.graph, seen.stats),
    ...noiseWarnings(plan.graph, report),
  ]);
  const { pieces: _, summaries: __, heldBytes: ___, ...sampled } = about;
  const withMeans = nodes.filter((n) => hasWeights(n) && analytic?.has(n.inputs[0] as number)).length;
  const summary: CalibrationReport = { ...sampled, convergence, warnings, analyticMeans: withMeans };
  return { graph: int8, float: plan.graph, ranges, report, methods, equalised, calibration: summary };
}

/** Number of windows of a chosen set, in their random order, on which equalisation compares channels. */
const channelWindows = 64;

/**
 * Returns the plan, with equalised channels if `equalise` is on, and its calibration statistics. One pass is
 * enough if nothing is to be equalised.
 */
function* seenOf(
  far: StreamPlan,
  calibration: Calibration,
  how: CalibrateOptions,
  methods: Methods,
): Generator<Progress, Found, undefined> {
  const all = (of: StreamPlan) => named('ranges', observe(of, calibration, how, methods));
  const plan = yield* named('ranges', nearMasks(far, calibration, how, planFor));
  const narrower: Found['narrower'] = new Map();
  if (!methods.equalise) return { plan, equalised: [], seen: yield* all(plan), narrower };
  const part = isSet(calibration) && calibration.pieces.length > channelWindows;
  const few = part ? { ...calibration, pieces: calibration.pieces.slice(0, channelWindows) } : calibration;
  // `nearest`: equalisation would invalidate the covariances that `together` collects
  const look = yield* named('channels', observe(plan, few, how, { ...methods, rounding: 'nearest' }));
  const { graph: same, changes } = equalise(plan.graph, look.stats);
  if (changes.length === 0 && methods.rounding === 'nearest' && !part) return { plan, equalised: [], seen: look, narrower };
  const equal = planFor(plan, same);
  return { plan: equal, equalised: changes, seen: yield* all(equal), narrower };
}

function* named<T>(step: Progress['step'], steps: Generator<number, T, undefined>): Generator<Progress, T, undefined> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    yield { step, share: value };
  }
}

function* scalesOf({ plan, seen: { watched, hidden }, narrower }: Found, methods: Methods, data: Calibration) {
  const { graph } = plan;
  const ranges = new Map([...watched].map(([id, { observer }]) => [id, observer.range()]));
  const scales = (of: ReadonlyMap<number, [number, number]>) =>
    chooseScales(graph, of, methods.activations, methods.observer === 'mse', hidden);
  if (methods.observer !== 'mse') return { ranges, quant: scales(ranges) };
  const histograms = new Map([...watched].map(([id, { observer }]) => [id, (observer as MeanSquaredError).histogram]));
  const joint = sharedRanges(graph, histograms);
  if (methods.narrow === 'none') return { ranges: joint, quant: scales(joint) };
  const seen = new Map([...histograms].map(([id, { low, high }]): [number, [number, number]] => [id, [low, high]]));
  const key = `${methods.narrow} ${methods.activations}`;
  const changes =
    narrower.get(key) ?? (yield* named('narrow', narrowRanges(plan, data, seen, joint, scales, { of: methods.narrow })));
  narrower.set(key, changes);
  for (const [id, range] of changes) joint.set(id, range);
  return { ranges: joint, quant: scales(joint) };
}

/** Returns what is known of the data; a collected set contains it already. */
function aboutOf(plan: StreamPlan, data: Calibration): CalibrationSet {
  if (isSet(data)) return data;
  const pieces = piecesOf(data);
  const { graph, clock } = plan;
  const summaries = graph.inputs.map(({ tensor }, i) => {
    const summary = new InputSummary(viewOf(graph).frame(tensor));
    for (const piece of pieces) summary.add(piece[i] as Float32Array);
    return summary;
  });
  const windows = Math.floor((summaries[0]?.frames ?? 0) / (clock.rates[0] as number) / plan.window);
  return { pieces, summaries, windowsSeen: windows, windowsUsed: windows, sampling: 'all', seed: 0, heldBytes: 0 };
}
