/**
 * How many rows of each tensor an output needs: a layer may leave out the newest rows that none of its
 * readers takes yet.
 *
 * In: the rows that are complete when output 0 falls due, by tensor.  Out: the rows that are computed by
 * then. A max pool of two over 59 rows takes 58: computed at once, the last row would wait in the state for
 * the next hop; computed with it, its inputs wait instead.
 */
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';

/**
 * Rows from the start of window 0 on; `boundary` tensors are read whole by the head. Inputs keep every frame,
 * as they come.
 */
export function rowsDue(
  graph: Graph,
  trunk: Set<Node>,
  boundary: Set<number>,
  complete: (id: number) => number,
): (id: number) => number {
  const view = viewOf(graph);
  const due = new Map<number, number>(graph.inputs.map(({ tensor }) => [tensor, complete(tensor)]));
  const atLeast = (id: number, rows: number) => due.set(id, Math.max(rows, due.get(id) ?? 0));
  for (const id of boundary) atLeast(id, view.rows(id));
  for (const node of [...graph.nodes].reverse()) {
    if (!trunk.has(node)) continue;
    const rows = due.get(node.output) ?? complete(node.output);
    const rule = view.rule(node);
    for (const id of node.inputs)
      if (rule.kind !== 'window') atLeast(id, complete(id));
      else atLeast(id, (rows - 1) * rule.stride + (rule.kernel - 1) * rule.dilation + 1 - rule.pad[0]);
  }
  return (id) => Math.min(due.get(id) ?? complete(id), complete(id));
}
