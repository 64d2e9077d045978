/**
 * Mixed precision: uses int16 for the activations with the most int8 noise, within a cost budget.
 *
 * In: the plan of an int8 Graph of a float model, the calibration signal.  Out: the graph with some tensors
 * in int16 and rescales in between, and a table: for each group of tensors its noise, its cost, whether it
 * is int16, and why.
 *
 * Cost: half the growth of the state plus half the growth of the work, where a multiply-accumulate on int16
 * counts `int16Work` times (measured in docs/adr/0020).  Groups are tried in the order of noise removed per
 * cost. Each is taken if the budget allows it, until the target is reached. Noises of different tensors add
 * up; the noise that int16 leaves is at most 2^-16 of the int8 noise and counts as 0.
 * Outputs stay int8, and so do tensors that only operators without int16 form read or write.
 */
import { RunletError } from '../models/error.ts';
import { hasWeights, withWeights } from '../models/graph/channels.ts';
import { type Graph, isInt16, type Node, type QuantParams } from '../models/graph/types.ts';
import { viewOf } from '../models/graph/view.ts';
import { maxOf } from '../models/lists.ts';
import { planStream } from '../models/stream/plan.ts';
import { planFor } from '../models/stream/rebind.ts';
import type { StreamPlan } from '../models/stream/types.ts';
import { visitCalibration } from './calibrate.ts';
import { dequantise } from './dequantise.ts';
import { clampInt, maxBias, roundHalfAway } from './fixed-point.ts';
import { decibels, type Sensitivities, type Sensitivity, sensitivity } from './methods/sensitivity.ts';
import { int16Form, withRescales } from './rescale.ts';

/**
 * Work of a multiply-accumulate with int16 on one side, in int8 multiply-accumulates. Measured with
 * scripts/int16-work.ts on target interp (native 1.9, simd 6.3).
 */
export const int16Work = 4;

export interface MixedOptions {
  /** Upper bound of the added cost, percent of the int8 model's cost. Default 20. */
  budgetPercent?: number;
  /** Signal-to-noise ratio at the outputs at which the choice stops, dB. Default: no limit. */
  targetDb?: number;
  maxWindows?: number;
}

export interface MixedGroup extends Sensitivity {
  type: 'int8' | 'int16';
  /** The group's share of all noise, 0 to 1. */
  share: number;
  /** Cost of int16 for this group only, percent of the int8 model's cost. */
  costPercent: number;
  /** The reason for the choice, one clause. */
  why: string;
}

export interface Mixed {
  graph: Graph;
  groups: MixedGroup[];
  /**
   * Signal-to-noise ratio at the outputs, dB: with all activations in int8, and with the chosen ones in
   * int16. Both are sums of the groups' noises, without the rounding of the outputs.
   */
  beforeDb: number;
  afterDb: number;
  costPercent: number;
  budgetPercent: number;
}

const largestOf = (values: Float32Array, before = 0): number => values.reduce((max, v) => Math.max(max, Math.abs(v)), before);

/** Windows in which peaks are searched. A choice: int16 would clip a peak in any other window. */
const peakWindows = 4096;

/** Returns the largest |x| of each tensor over the calibration signal. */
function largestSeen(plan: StreamPlan, signals: readonly Float32Array[]): ReadonlyMap<number, number> {
  const seen = new Map<number, number>();
  const float = planFor(plan, dequantise(plan.graph));
  for (const _ of visitCalibration(float, signals, { maxWindows: peakWindows }, (id, values) =>
    seen.set(id, largestOf(values, seen.get(id))),
  ));
  return seen;
}

/**
 * Returns the largest |x| that a group must hold without clipping. For an input it is the largest of its
 * signal; else the larger of int8's range and twice the observed maximum, because int16 has steps to spare.
 */
function reachOf(int8: Graph, tensors: readonly number[], signals: readonly Float32Array[], seen: ReadonlyMap<number, number>) {
  const input = int8.inputs.findIndex((p) => tensors.includes(p.tensor));
  if (input >= 0) return largestOf(signals[input] as Float32Array);
  const { scale, zeroPoint } = int8.tensors[tensors[0] as number]?.quant ?? { scale: 0, zeroPoint: 0 };
  return Math.max(2 * maxOf(tensors.map((id) => seen.get(id) ?? 0)), scale * Math.max(128 + zeroPoint, 127 - zeroPoint));
}

/** Symmetric int16 quantisation in which `reach` is 32767. */
const wideQuant = (reach: number): QuantParams => ({
  scale: Math.fround(reach / 32767) || 2 ** -20,
  zeroPoint: 0,
  type: 'int16',
});

/** Returns why a group cannot be int16, or undefined if it can. */
function refusal(graph: Graph, { tensors, noise }: Sensitivity): string | undefined {
  const view = viewOf(graph);
  if (tensors.some(view.isOutput)) return 'an output';
  if (graph.inputs.some((p) => tensors.includes(p.tensor) && p.hostType !== 'float32')) return 'an int8 input of the model';
  const fixed = (n: Node) => int16Form(n) === undefined || int16Form(n) === 'own';
  if (tensors.some((id) => isInt16(graph.tensors[id]?.quant))) return 'int16 already';
  const maker = graph.nodes.find((n) => tensors.includes(n.output) && fixed(n));
  if (maker) return `${maker.op} is int8`;
  const readers = graph.nodes.filter((n) => n.inputs.some((id) => tensors.includes(id)) && !tensors.includes(n.output));
  if (readers.every(fixed)) return `read by ${readers[0]?.op ?? 'nothing'}, which is int8`;
  return noise > 0 ? undefined : 'no noise at the outputs';
}

/** Returns the graph with these tensors in int16 and biases in their new scales. */
function withInt16(int8: Graph, wide: ReadonlyMap<number, QuantParams>): Graph {
  const tensors = int8.tensors.map((t) => ({ ...t, quant: wide.get(t.id) ?? (t.quant as QuantParams) }));
  const nodes = int8.nodes.map((node) => {
    const [x] = node.inputs as [number];
    const to = wide.get(x);
    const { bias } = hasWeights(node) ? node.attrs : {};
    if (!hasWeights(node) || !to || !bias) return node;
    const finer = (int8.tensors[x]?.quant?.scale ?? 1) / to.scale;
    const integers = Int32Array.from(bias, (b) => clampInt(roundHalfAway(b * finer), -maxBias, maxBias));
    return withWeights(node, node.attrs.weights, integers);
  });
  return withRescales({ ...int8, tensors, nodes }, (id) => int8.tensors[id]?.quant as QuantParams);
}

/** State in bytes, and work a hop in int8 multiply-accumulates. */
function costOf(plan: StreamPlan): { state: number; work: number } {
  const work = plan.steps.reduce((sum, s) => sum + s.macsPerHop * (viewOf(plan.graph).touchesInt16(s.node) ? int16Work : 1), 0);
  return { state: plan.stateBytes, work };
}

/** @throws RunletError RN443 if the budget is negative or not a number, or the target is not a number */
export function mixed(plan: StreamPlan, signals: readonly Float32Array[], how: MixedOptions = {}): Mixed {
  const { budgetPercent = 20, targetDb = Number.POSITIVE_INFINITY } = how;
  if (!(budgetPercent >= 0) || Number.isNaN(targetDb))
    throw new RunletError('RN443', {
      what: `a budget of ${budgetPercent} % with the target ${targetDb} dB`,
      why: 'the budget is a percentage of the cost and at least 0; the target is a signal-to-noise ratio in dB',
      tryThis: '--mixed-budget 20',
    });
  const { graph: int8, options, mode } = plan;
  const found: Sensitivities = sensitivity(plan, signals, how.maxWindows);
  const base = costOf(plan);
  const seen = largestSeen(plan, signals);
  const wideOf = (groups: readonly Sensitivity[]) =>
    new Map(
      groups.flatMap(({ tensors }) => {
        const quant = wideQuant(reachOf(int8, tensors, signals, seen));
        return tensors.map((id): [number, QuantParams] => [id, quant]);
      }),
    );
  const growth = (after: number, before: number) => (before > 0 ? after / before - 1 : after > 0 ? 1 : 0);
  const costPercent = (groups: readonly Sensitivity[]): number => {
    // int16 rows and rescales change state and work, so each choice needs a plan of its own
    const { state, work } = costOf(planStream(withInt16(int8, wideOf(groups)), { ...options, mode }));
    return 50 * (growth(state, base.state) + growth(work, base.work));
  };
  const all = found.groups.reduce((sum, g) => sum + g.noise, 0);
  const rows = new Map<Sensitivity, MixedGroup>();
  for (const group of found.groups) {
    const why = refusal(int8, group);
    rows.set(group, {
      ...group,
      type: group.tensors.some((id) => isInt16(int8.tensors[id]?.quant)) ? 'int16' : 'int8',
      share: all > 0 ? group.noise / all : 0,
      costPercent: why ? 0 : costPercent([group]),
      why: why ?? '',
    });
  }
  const row = (g: Sensitivity) => rows.get(g) as MixedGroup;
  const noisePerCost = (g: Sensitivity) => g.noise / Math.max(1e-6, row(g).costPercent);
  const open = found.groups.filter((g) => row(g).why === '').sort((a, b) => noisePerCost(b) - noisePerCost(a));
  const taken: Sensitivity[] = [];
  let left = all;
  let cost = 0;
  for (const group of open) {
    const entry = row(group);
    if (decibels(left) >= targetDb) {
      entry.why = `${targetDb} dB are reached without it`;
      continue;
    }
    const next = costPercent([...taken, group]);
    if (next > budgetPercent + 1e-9) {
      entry.why = `with it the cost would be ${next.toFixed(1)} %`;
      continue;
    }
    taken.push(group);
    cost = next;
    left = Math.max(0, left - group.noise);
    entry.type = 'int16';
    entry.why = `${(100 * entry.share).toFixed(1)} % of the noise for ${entry.costPercent.toFixed(1)} % of cost`;
  }
  return {
    graph: withInt16(int8, wideOf(taken)),
    groups: [...rows.values()],
    beforeDb: decibels(all),
    afterDb: decibels(left),
    costPercent: cost,
    budgetPercent,
  };
}
