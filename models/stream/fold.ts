/**
 * Folds in mode stream: partial results that a global average or maximum keeps instead of a window's rows.
 *
 * In: the node, and the layout of its input.  Out: FoldReuse, with its bytes.
 * Source: StreamiNNC section 5.5. For folds in edge-exact see edge/folds.ts.
 */
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import type { StreamRule } from '../ops/op.ts';
import type { FoldReuse } from './edge/layout.ts';
import type { TensorLayout } from './types.ts';

/** Returns the bytes of one row of a tensor. */
export const frameBytes = (graph: Graph, id: number): number => viewOf(graph).frameBytes(id);

/**
 * Returns the bytes of one partial result: the rule's for sums, int32 for the sums of a linear rule, the
 * tensor's type for maxima.
 */
export function partialBytes(graph: Graph, output: number, rule: StreamRule): number {
  if (rule.kind === 'fold' && rule.fold === 'max') return viewOf(graph).frameBytes(output);
  return (rule.kind === 'fold' ? rule.bytes : 4) * viewOf(graph).frame(output);
}

/**
 * Returns the fold with the least state, for a tensor whose newest row is the last row of the window. Returns
 * undefined if a hop brings the whole window.
 * Work per row does not depend on the window. Sums subtract the rows that leave. With k hops in a window,
 * maxima scan its k partial results once every k hops (van Herk, 1992).
 */
export function streamFold(graph: Graph, node: Node, plan: TensorLayout): FoldReuse | undefined {
  const view = viewOf(graph);
  const rule = view.rule(node);
  const { windowRows: rows, newRows, jump } = plan;
  if (rule.kind !== 'fold' || rows <= newRows) return undefined;
  const frame = view.frameBytes(plan.tensor);
  const partial = partialBytes(graph, node.output, rule);
  const waiting = Math.ceil(rows / newRows) - 1;
  const edge = { jump, rows, left: 0, right: 0, newRows, phases: 1 };
  const stream = { ...edge, microRows: newRows, newest: rows - 1, oldest: 0, shift: waiting * newRows, spliced: 0 };
  const openRows = rows - waiting * newRows;
  const of = (method: FoldReuse['method'], slots: number, slotBytes: number, totalBytes: number): FoldReuse => {
    return { method, slots, stream, openRows, slotBytes, totalBytes, stateBytes: slots * slotBytes + totalBytes };
  };
  if (rule.fold === 'max') return of('slide', waiting, openRows === newRows ? partial : 2 * partial, partial);
  const totals = of('totals', waiting, partial, partial);
  const ring = of('ring', rows, frame, partial);
  return totals.stateBytes <= ring.stateBytes ? totals : ring;
}
