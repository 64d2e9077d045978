/**
 * Position of each tensor on the time grid: jump, receptive field, left context, look-ahead.
 *
 * In: a Graph, and which nodes stream.  Out: Timing of each trunk tensor.
 * Source: StreamiNNC section 1.8 (e_j, J_j, RF_j, delay = sum of right pads times jump); rule R11 for joins.
 */

import { type Clock, lcm } from '../graph/clock.ts';
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { maxOf } from '../lists.ts';
import type { StreamRule } from '../ops/op.ts';
import type { Timing } from './types.ts';

export type WindowRule = Extract<StreamRule, { kind: 'window' }>;

/** Timing of a graph input. @param jump duration of a frame, in units */
const source = (jump: number): Timing => ({ jump, lead: 0, need: jump, lookAhead: 0, receptiveField: jump });

/** Returns the timing of every tensor that can be computed row by row, by tensor id. */
export function timingOf(graph: Graph, streams: (node: Node) => boolean = () => true): Map<number, Timing> {
  const view = viewOf(graph);
  const { units, rates } = view.clock;
  const timing = new Map<number, Timing>(graph.inputs.map((port, i) => [port.tensor, source(units / (rates[i] as number))]));
  for (const node of graph.nodes) {
    const rule = view.rule(node);
    const inputs = node.inputs.map((id) => timing.get(id));
    if (rule.kind !== 'window' || !streams(node) || inputs.some((t) => t === undefined)) continue;
    const known = inputs as Timing[];
    const jump = known[0]?.jump ?? 1;
    if (known.some((t) => t.jump !== jump)) continue; // rates differ, so the join needs whole windows
    const largest = (of: (t: Timing) => number) => maxOf(known.map(of));
    const extent = (rule.kernel - 1) * rule.dilation;
    timing.set(node.output, {
      jump: jump * rule.stride,
      // negative padding crops rows, which needs no context outside the window
      lead: Math.max(0, largest((t) => t.lead) + rule.pad[0] * jump),
      need: largest((t) => t.need) + (extent - rule.pad[0]) * jump,
      lookAhead: Math.max(0, largest((t) => t.lookAhead) + rule.pad[1] * jump),
      receptiveField: largest((t) => t.receptiveField) + extent * jump,
    });
  }
  return timing;
}

/** Returns P, the total stride of the given tensors, in ticks. */
export const strideOf = (timings: Iterable<Timing>, { units }: Clock): number =>
  [...timings].reduce((p, t) => lcm(p, t.jump), units) / units;

/** Returns P, the total stride of all tensors that can be computed row by row, in ticks. */
export const totalStride = (graph: Graph): number => strideOf(timingOf(graph).values(), viewOf(graph).clock);
