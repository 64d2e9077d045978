/**
 * Splits a network into trunk (streamed) and head (recomputed at every output).
 *
 * In: a Graph, the mode and the hop in ticks.  Out: the set of trunk nodes. A node streams if its rule is a
 * sliding window and its inputs stream at one rate. It moves to the head if three conditions hold: its window
 * has no more rows than a hop brings (windowRows * jump <= hop, both in units), it has no time padding, and
 * no trunk node reads it. A recurrent node stays, because its state runs through all rows.
 */

import { isRecurrent } from '../graph/recurrent.ts';
import { stepTrunk } from '../graph/stateful.ts';
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import { hasTrunk, type Mode } from './modes.ts';
import { timingOf } from './timing.ts';

export function trunkNodes(graph: Graph, mode: Mode, hop: number): Set<Node> {
  const trunk = new Set<Node>();
  if (!hasTrunk(mode)) return trunk;
  if (graph.stateful) return stepTrunk(graph);
  const view = viewOf(graph);
  const timing = timingOf(graph);
  const time = hop * view.clock.units;
  for (const node of graph.nodes) if (timing.has(node.output)) trunk.add(node);
  for (const node of [...graph.nodes].reverse()) {
    const at = timing.get(node.output);
    const rule = view.rule(node);
    if (!trunk.has(node) || !at || rule.kind !== 'window') continue;
    const needed = view.readers(node.output).some((n) => trunk.has(n));
    const padded = rule.pad[0] > 0 || rule.pad[1] > 0 || isRecurrent(node);
    if (!needed && !padded && view.rows(node.output) * at.jump <= time) trunk.delete(node);
  }
  return trunk;
}
