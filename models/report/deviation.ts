/**
 * deviationOf: compares all modes on a signal: planned work, state and delay, and the measured deviation from
 * the windowed model.
 *
 * In: a Graph (float or int8), a hop, a signal, a function that runs a node.  Out: one row per mode, and per
 * layer contamination, probe, slope, the bound of a misaligned hop and the deviation of its rows.  The
 * reference is the model on each window separately, zero-padded as in its file. NRMSE = sqrt(mean((y_windowed
 * - y_mode)^2)) / (max y_windowed - min y_windowed); for outputs, the mean over their units (StreamiNNC
 * section 3.2). Cost: at most `windows` evenly spread windows, and about `macs` multiply-accumulates for the
 * reference and for each trunk.
 */

import { isRunletError, RunletError } from '../error.ts';
import { gcd } from '../graph/clock.ts';
import { frameOf, type Graph } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { maxOf } from '../lists.ts';
import {
  type Block,
  executeHeads,
  executeTrunk,
  type RunNode,
  rows,
  type Sliceable,
  type WindowResult,
} from '../stream/execute.ts';
import { hasTrunk, type Mode, modes } from '../stream/modes.ts';
import { planStream } from '../stream/plan.ts';
import { totalStride } from '../stream/timing.ts';
import type { StreamPlan } from '../stream/types.ts';
import { contaminationOf } from './contamination.ts';
import { Difference, Differences } from './difference.ts';
import { type LayerDeviation, layerRows, type Measured } from './layer-deviation.ts';
import { partialOf } from './partial.ts';

/** The signal in float or integers, and functions that compute and convert its values. */
export interface Arithmetic<A> {
  signal: Block<A>;
  run: RunNode<A>;
  /** Converts values of a tensor to real numbers. */
  real: (tensor: number, data: A) => ArrayLike<number>;
}

export interface ModeCost {
  mode: Mode;
  macsPerHop: number;
  stateBytes: number;
  delayFrames: number;
  warmUpHops: number;
  /** True if the mode equals the windowed model by construction. The deviation is then 0. */
  exact: boolean;
  /** NRMSE of the outputs, as a share. The largest difference is in units of the output. */
  outputNrmse: number;
  maxDifference: number;
}

export interface Deviation {
  hop: number;
  /** Number of compared windows, and of processed frames. */
  windows: number;
  frames: number;
  notes: string[];
  modes: ModeCost[];
  /** Modes that cannot be planned at this hop. */
  refused: { mode: Mode; code: string; text: string }[];
  /** Mode partial of the paper: the first layers streamed without retraining, the others computed whole. */
  partial?: { layers: number; layer: string; contaminated: number; outputNrmse: number; maxDifference: number };
  layers: LayerDeviation[];
}

export interface DeviationLimits {
  /** Largest number of windows. Default 64. */
  windows?: number;
  /** Approximate number of multiply-accumulates for the reference, and for each trunk. Default 2e8. */
  macs?: number;
}

function plansOf(graph: Graph, hop: number): { plans: StreamPlan[]; refused: Deviation['refused'] } {
  const plans: StreamPlan[] = [];
  const refused: Deviation['refused'] = [];
  for (const mode of modes) {
    try {
      const plan = planStream(graph, { hop, mode });
      // at an aligned hop, mode misaligned equals mode stream
      if (mode !== 'misaligned' || hop % plan.alignment !== 0) plans.push(plan);
    } catch (error) {
      if (!isRunletError(error) || mode === 'windowed') throw error;
      refused.push({ mode, code: error.code, text: [error.parts.what, error.parts.why].filter(Boolean).join(': ') });
    }
  }
  return { plans, refused };
}

interface Selection {
  first: number;
  step: number;
  count: number;
  /** Number of frames of the signal that are used. */
  frames: number;
}

/** Selects windows: evenly spread after the longest warm-up, and over all phases of a misaligned hop. */
function select(plans: StreamPlan[], available: number, limits: Required<DeviationLimits>): Selection {
  const [{ hop, window, macsPerWindow }] = plans as [StreamPlan];
  const largest = (of: (p: StreamPlan) => number) => maxOf(plans.map(of));
  const warm = largest((p) => p.warmUpHops);
  const delay = largest((p) => p.delayFrames);
  const phases = largest((p) => p.alignment / gcd(hop, p.alignment));
  const wanted = Math.max(4, Math.min(limits.windows, Math.floor(limits.macs / Math.max(1, macsPerWindow))));
  const hopMacs = Math.max(1, maxOf(plans.filter((p) => hasTrunk(p.mode)).map((p) => p.macsPerHop)));
  const hops = Math.min(4096, Math.max(warm + wanted, Math.floor(limits.macs / hopMacs)));
  const last = Math.min(Math.floor((available - window - delay) / hop), warm + hops);
  let step = Math.max(1, Math.floor((last - warm) / wanted));
  while (gcd(step, phases) !== 1) step++;
  const first = Math.ceil(warm / step) * step;
  const count = Math.min(wanted, Math.floor((last - first) / step) + 1);
  if (!(last >= warm) || count < 1) {
    throw new RunletError('RN207', {
      what: `a signal of ${available} frames is too short to compare modes`,
      why: `the first whole output needs ${warm * hop + window + delay} frames (window ${window}, hop ${hop}, ${warm} outputs held back)`,
      tryThis: 'a longer signal; a few hundred windows are usual',
    });
  }
  return { first, step, count, frames: Math.min(available, (first + (count - 1) * step) * hop + window + delay) };
}

/** Yields the results of a mode at the selected windows. */
function* resultsOf<A extends Sliceable<A>>(
  plan: StreamPlan,
  trunk: Map<number, Block<A>>,
  run: RunNode<A>,
  { first, step }: Selection,
): Generator<WindowResult<A>> {
  for (const result of executeHeads(plan, trunk, run, { warmUp: true, every: step })) if (result.index >= first) yield result;
}

/** @throws RN207 if the model has several inputs or its own state */
function checkComparable(graph: Graph): void {
  if (graph.inputs.length > 1) {
    throw new RunletError('RN207', {
      what: `the model has ${graph.inputs.length} inputs, and modes are compared on one signal`,
      where: graph.inputs.map((p) => p.name).join(', '),
      tryThis: 'runlet validate MODEL --calib A,B --hop N compares float, int8 and wasm on several',
    });
  }
  if (graph.stateful) {
    throw new RunletError('RN207', {
      what: 'a model with its own state has one mode',
      where: graph.name,
      why: 'it was made to run step by step, and its windows are not in the file',
      tryThis: 'runlet validate MODEL --input A.npy --expect B.npy compares its outputs with others',
    });
  }
}

/** Returns the costs of a mode, and the deviation of its outputs from the windowed model. */
const costOf = (plan: StreamPlan, outputs: Differences[]): ModeCost => ({
  mode: plan.mode,
  macsPerHop: plan.macsPerHop,
  stateBytes: plan.stateBytes,
  delayFrames: plan.delayFrames,
  warmUpHops: plan.warmUpHops,
  exact: plan.mode !== 'misaligned' && plan.steps.every((s) => s.exact),
  ...summary(outputs),
});

/**
 * Measures every mode at `hop` over a signal.
 * @throws RunletError RN207 (the signal is too short, or the model has several inputs or its own state), and
 * the errors of planStream for mode windowed
 */
export function deviationOf<A extends Sliceable<A>>(
  graph: Graph,
  hop: number,
  { signal, run, real }: Arithmetic<A>,
  limits: DeviationLimits = {},
): Deviation {
  checkComparable(graph);
  const { plans, refused } = plansOf(graph, hop);
  const chosen = select(plans, signal.shape.t, { windows: 64, macs: 2e8, ...limits });
  const { first, step, count, frames } = chosen;
  const used = rows(signal, 0, frames);
  const windowed = plans[0] as StreamPlan;
  const input = graph.inputs[0]?.tensor ?? -1;
  const reference = executeHeads(windowed, new Map([[input, rows(used, first * hop, frames)]]), run, { every: step });

  // all rows of the layers over the whole signal: the trunk of mode stream with the total stride as hop
  const grid = planStream(graph, { hop: totalStride(graph), mode: 'stream' });
  const gridTrunk = executeTrunk(grid, used, run);
  const measured = plans
    .filter((p) => hasTrunk(p.mode))
    .map((plan): Measured<A> => {
      const same = plan.mode !== 'approx' && [...plan.tensors.keys()].every((id) => gridTrunk.has(id));
      const trunk = same ? gridTrunk : executeTrunk(plan, used, run);
      const outputs = graph.outputs.map(() => new Differences());
      return { plan, results: resultsOf(plan, trunk, run, chosen), layers: new Map(), outputs };
    });
  const part = partialOf(graph, hop, gridTrunk, grid, run);
  const partial = graph.outputs.map(() => new Differences());

  let compared = 0;
  for (const want of reference) {
    if (compared === count) break;
    for (const one of measured) {
      const got = one.results.next().value as WindowResult<A>;
      add(graph, one, want, got, real);
    }
    if (part)
      part.outputs(first + want.index).forEach((data, i) => {
        addOutput(graph, partial[i] as Differences, i, want.outputs[i] as A, data, real);
      });
    compared++;
  }

  const notes = [
    `${compared} windows of ${Math.floor((signal.shape.t - windowed.window) / hop) + 1} were compared, one in ${step} from window ${first} on, over ${frames} of ${signal.shape.t} frames`,
  ];
  return {
    hop,
    windows: compared,
    frames,
    notes,
    modes: plans.map((plan) => costOf(plan, measured.find((m) => m.plan === plan)?.outputs ?? [])),
    refused,
    ...(part && {
      partial: { layers: part.layers, layer: part.node.name, contaminated: part.contaminated, ...summary(partial) },
    }),
    layers: layerRows(graph, hop, measured, { grid, trunk: gridTrunk, run, real, contamination: contaminationOf(graph) }),
  };
}

const summary = (outputs: Differences[]): Pick<ModeCost, 'outputNrmse' | 'maxDifference'> => ({
  outputNrmse: outputs.length === 0 ? 0 : outputs.reduce((sum, o) => sum + o.nrmse, 0) / outputs.length,
  maxDifference: outputs.reduce((m, o) => Math.max(m, o.max), 0),
});

function addOutput<A>(graph: Graph, to: Differences, i: number, want: A, got: A, real: Arithmetic<A>['real']): void {
  const id = graph.outputs[i]?.tensor ?? -1;
  to.add(real(id, want), real(id, got), viewOf(graph).shape(id));
}

function add<A>(graph: Graph, one: Measured<A>, want: WindowResult<A>, got: WindowResult<A>, real: Arithmetic<A>['real']): void {
  want.outputs.forEach((data, i) => {
    addOutput(graph, one.outputs[i] as Differences, i, data, got.outputs[i] as A, real);
  });
  for (const node of graph.nodes) {
    const [x, y] = [want.tensors.get(node.output), got.tensors.get(node.output)];
    if (!x || !y) continue;
    const layer = one.layers.get(node) ?? new Difference();
    one.layers.set(node, layer);
    layer.add(real(node.output, x.data), real(node.output, y.data), frameOf(x.shape));
  }
}
