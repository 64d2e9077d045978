/**
 * How much each tensor's int8 costs at the model's outputs.
 *
 * In: the plan of an int8 Graph, a signal for each input.  Out: per group of tensors that share one scale the
 * noise at the outputs when it alone is int8 and everything else is exact, as a ratio to the signal and in
 * dB; the whole noise of all of them together. The graph runs in floating point with its own rounded weights;
 * a tensor is rounded to its int8 steps and back.  Deterministic.
 * Cost: a run of about `maxWindows` windows, in pieces spread over the signal, and for each group one of what
 * depends on it.
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
  /** They share one scale: a tensor, and what pools, slices and histories make of it. */
  tensors: number[];
  /** Of the first: the operator that makes it, or input. */
  op: string;
  name: string;
  /** Noise at the outputs when these tensors alone are int8, over the signal there. */
  noise: number;
  /** The same as signal-to-noise, dB; Infinity where nothing changes. */
  aloneDb: number;
}

export interface Sensitivities {
  groups: Sensitivity[];
  /** Noise over signal with every tensor in int8, outputs left out. */
  noise: number;
  windows: number;
}

export const decibels = (noise: number): number => (noise > 0 ? -10 * Math.log10(noise) : Number.POSITIVE_INFINITY);

/** Tensors that share one scale, by the first of them, in the graph's order. */
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

/** To stored steps and back. */
export function rounded(values: Float32Array, q: QuantParams): Float32Array {
  const stored: Ints = quantiseSignal(values, q);
  return Float32Array.from(stored, (v) => Math.fround(q.scale * (v - q.zeroPoint)));
}

/** Tensors to the steps of their scales and back. */
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

/** Pieces of a signal that the windows come from, spread evenly over it. */
const pieces = 8;

/** About `windows` windows of a signal, in pieces spread over it; each piece has a signal for each input. */
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

/** @param planned of the int8 graph */
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
