/**
 * Where each tensor stands on the time grid: jump, receptive field, left context, look-ahead.
 *
 * In: a Graph and the set of nodes that stream.  Out: Timing per trunk tensor.
 * Source: StreamiNNC section 1.8 (e_j, J_j, RF_j, delay = sum of right pads times jump); rule R11 for joins.
 */

import { elementBytes, frameOf, type Graph, isInt16, type Node, type Shape } from '../graph/types.ts';
import { maxOf } from '../lists.ts';
import { opOfNode } from '../ops/index.ts';
import type { StreamRule } from '../ops/op.ts';
import { type Clock, clockOf, lcm } from './clock.ts';
import type { Timing } from './types.ts';

export type WindowRule = Extract<StreamRule, { kind: 'window' }>;

/** Shapes of a node's inputs for one window. */
export const inputShapes = (graph: Graph, node: Node): Shape[] => node.inputs.map((id) => graph.tensors[id]?.shape as Shape);

/** Elements of one row of a tensor. */
export const frameElements = (graph: Graph, id: number): number => frameOf(graph.tensors[id]?.shape ?? { t: 0, f: 0, c: 0 });
/** Bytes of one row of a tensor, int8 or int16. */
export const frameBytes = (graph: Graph, id: number): number => frameElements(graph, id) * elementBytes(graph.tensors[id]?.quant);
/** Whether a node reads or writes int16. */
export const touchesInt16 = (graph: Graph, node: Node): boolean =>
  [...node.inputs, node.output].some((id) => isInt16(graph.tensors[id]?.quant));

/** The node's streaming rule; with one output row the stride never acts and counts as 1, unless rows of the next step follow. */
export function ruleOf(graph: Graph, node: Node): StreamRule {
  const rule = opOfNode(node).stream(node.attrs, inputShapes(graph, node));
  // partial maxima are int8
  if (rule.kind === 'fold' && rule.fold === 'max' && touchesInt16(graph, node)) return { kind: 'whole' };
  if (rule.kind === 'window' && graph.tensors[node.output]?.shape.t === 1 && !graph.stateful) return { ...rule, stride: 1 };
  return rule;
}

/** A frame that lasts `jump` units. */
const source = (jump: number): Timing => ({ jump, lead: 0, need: jump, lookAhead: 0, receptiveField: jump });

/** Timing of every tensor that can be computed frame by frame, by tensor id. */
export function timingOf(graph: Graph, streams: (node: Node) => boolean): Map<number, Timing> {
  const { units, rates } = clockOf(graph);
  const timing = new Map<number, Timing>(graph.inputs.map((port, i) => [port.tensor, source(units / (rates[i] as number))]));
  for (const node of graph.nodes) {
    const rule = ruleOf(graph, node);
    const inputs = node.inputs.map((id) => timing.get(id));
    if (rule.kind !== 'window' || !streams(node) || inputs.some((t) => t === undefined)) continue;
    const known = inputs as Timing[];
    const jump = known[0]?.jump ?? 1;
    if (known.some((t) => t.jump !== jump)) continue; // rates differ: the join needs whole windows
    const most = (of: (t: Timing) => number) => maxOf(known.map(of));
    const extent = (rule.kernel - 1) * rule.dilation;
    timing.set(node.output, {
      jump: jump * rule.stride,
      lead: most((t) => t.lead) + rule.pad[0] * jump,
      need: most((t) => t.need) + (extent - rule.pad[0]) * jump,
      lookAhead: most((t) => t.lookAhead) + rule.pad[1] * jump,
      receptiveField: most((t) => t.receptiveField) + extent * jump,
    });
  }
  return timing;
}

/** P: the total stride in ticks, of the given tensors. */
export const strideOf = (timings: Iterable<Timing>, { units }: Clock): number =>
  [...timings].reduce((p, t) => lcm(p, t.jump), units) / units;

/** P of everything that can be computed frame by frame. */
export const totalStride = (graph: Graph): number => strideOf(timingOf(graph, () => true).values(), clockOf(graph));
