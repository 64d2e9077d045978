/**
 * sensitivity: measures the noise at the model's outputs that int8 causes in each tensor.
 *
 * In: the plan of an int8 Graph, a signal for each input.  Out: for each group of tensors that share one
 * scale the noise at the outputs when only this group is int8, as a ratio to the signal and in dB; and the
 * noise of all groups together. The graph runs in floating point with its rounded weights; an int8 tensor is
 * rounded to its steps and back.  Deterministic.
 * Cost: a run of about `maxWindows` windows, in pieces spread over the signal, and for each group a run of
 * the nodes behind it.
 */

import { type Graph, type Ints, isInt16, type QuantParams } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { cutSignal, ticksIn } from '../../models/stream/execute.ts';
import { floatBlocks, floatRunner } from '../../models/stream/float.ts';
import { planFor } from '../../models/stream/rebind.ts';
import type { StreamPlan } from '../../models/stream/types.ts';
import { dequantise } from '../dequantise.ts';
import { intOpOfNode } from '../ops/index.ts';
import { quantiseSignal } from '../report.ts';
import { type Change, KeptRuns } from './kept-runs.ts';

export interface Sensitivity {
  /** Tensors that share one scale: a tensor, and those that pools, slices and histories make from it. */
  tensors: number[];
  /** Operator that makes the first tensor, or `input`. */
  op: string;
  name: string;
  /** Noise over signal at the outputs when only these tensors are int8. */
  noise: number;
  /** The same as signal-to-noise ratio, dB; Infinity if the outputs do not change. */
  aloneDb: number;
}

export interface Sensitivities {
  groups: Sensitivity[];
  /** Noise over signal with every tensor in int8 except outputs. */
  noise: number;
  windows: number;
}

export const decibels = (noise: number): number => (noise > 0 ? -10 * Math.log10(noise) : Number.POSITIVE_INFINITY);

/** Returns the groups of tensors that share one scale, ordered by their first tensor. */
export function sharedGroups(graph: Graph): number[][] {
  const root = graph.tensors.map((t) => t.id);
  const find = (id: number): number => (root[id] === id ? id : find(root[id] as number));
  for (const node of graph.nodes) {
    if (intOpOfNode(node).sharesScale?.(node.attrs) === undefined) continue;
    for (const id of [...node.inputs, node.output]) {
      const [a, b] = [find(id), find(node.inputs[0] as number)];
      root[Math.max(a, b)] = Math.min(a, b);
    }
  }
  const groups = new Map<number, number[]>();
  for (const { id } of graph.tensors) groups.set(find(id), [...(groups.get(find(id)) ?? []), id]);
  return [...groups.values()];
}

/** Rounds values to stored steps and back. */
export function rounded(values: Float32Array, q: QuantParams): Float32Array {
  const stored: Ints = quantiseSignal(values, q);
  return Float32Array.from(stored, (v) => Math.fround(q.scale * (v - q.zeroPoint)));
}

/** Returns the Change that rounds tensors to the steps of their scales and back. */
export const roundTo = (scales: ReadonlyMap<number, QuantParams>): Change => ({
  input: (values, id) => rounded(values, scales.get(id) as QuantParams),
  node: (node, ...at) => rounded(floatRunner(node, ...at), scales.get(node.output) as QuantParams),
});

/** sum (a - b)^2 / sum a^2 */
export function noiseOf(exact: readonly Float32Array[], other: readonly Float32Array[]): number {
  let [signal, noise] = [0, 0];
  for (const [i, a] of exact.entries())
    for (const [j, v] of a.entries()) {
      signal += v * v;
      noise += (v - (other[i]?.[j] as number)) ** 2;
    }
  return signal > 0 ? noise / signal : 0;
}

/** Largest number of pieces that spreadWindows cuts from a signal. */
const pieces = 8;

/** Returns about `windows` windows of a signal, in pieces spread over it, [piece][input]. */
export function spreadWindows(plan: StreamPlan, signals: readonly Float32Array[], windows: number): Float32Array[][] {
  const all = floatBlocks(plan, signals);
  const ticks = ticksIn(plan, all);
  const first = plan.window + plan.delayFrames + plan.warmUpHops * plan.hop;
  const length = Math.min(ticks, first + (Math.ceil(windows / pieces) - 1) * plan.hop);
  const count = Math.max(1, Math.min(pieces, Math.floor(ticks / length)));
  return Array.from({ length: count }, (_, k) => {
    const from = count > 1 ? Math.floor((k * (ticks - length)) / (count - 1) / plan.hop) * plan.hop : 0;
    return [...cutSignal(plan, all, from, from + length).values()].map((block) => block.data);
  });
}

/** @param planned plan of the int8 graph  @param maxWindows approximate number of windows. Default 32 */
export function sensitivity(planned: StreamPlan, signals: readonly Float32Array[], maxWindows = 32): Sensitivities {
  const { graph: int8 } = planned;
  const plan = planFor(planned, dequantise(int8));
  const parts = spreadWindows(plan, signals, maxWindows);
  const runs = new KeptRuns(plan, parts);
  const scales = new Map(int8.tensors.map((t) => [t.id, t.quant as QuantParams]));
  const outputs = new Set(int8.outputs.map((p) => p.tensor));
  const of = (ids: readonly number[]) => {
    const rounding = ids.filter((id) => !outputs.has(id) && !isInt16(int8.tensors[id]?.quant));
    return noiseOf(runs.exact, runs.again(rounding, roundTo(scales)));
  };
  const groups = sharedGroups(int8).map((tensors): Sensitivity => {
    const [first] = tensors as [number];
    const noise = of(tensors);
    return {
      tensors,
      op: viewOf(int8).producer(first)?.op ?? 'input',
      name: int8.tensors[first]?.name ?? '',
      noise,
      aloneDb: decibels(noise),
    };
  });
  return { groups, noise: of(int8.tensors.map((t) => t.id)), windows: Math.ceil(runs.exact.length / int8.outputs.length) };
}
