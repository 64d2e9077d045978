/**
 * How many rows of each tensor an output needs: a layer may postpone rows that no reader needs yet.
 *
 * In: the number of rows that can be computed when output 0 is due, by tensor.  Out: the number that are
 * computed by then. Example: a max pool of length 2 reads 58 of 59 rows. If the layer computes row 59 at
 * once, the row waits in the state for the next hop. If it postpones the row, the inputs of the row wait
 * instead.
 */
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';

/**
 * Returns a function from tensor id to rows, from the start of window 0. Graph inputs keep every frame.
 * @param boundary tensors whose whole window the head reads
 * @param complete number of rows that can be computed when output 0 is due
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
