/**
 * Folds in mode stream: what a node that reduces over a window keeps in place of the window's rows.
 *
 * In: a node (global average, global maximum) and its input's place in the stream.  Out: FoldReuse: the
 * smaller of two forms, with its bytes.  Source: StreamiNNC section 5.5; edge-exact folds: edge/folds.ts.
 */
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import type { FoldReuse } from './edge/layout.ts';
import type { TensorLayout } from './types.ts';

/** Bytes of one row of a tensor. */
export const frameBytes = (graph: Graph, id: number): number => viewOf(graph).frameBytes(id);

/** Bytes of one partial result: int32 sums, or maxima as they are. */
export const partialBytes = (graph: Graph, output: number, sum: boolean): number =>
  sum ? 4 * viewOf(graph).frame(output) : viewOf(graph).frameBytes(output);

/**
 * A fold in mode stream over a tensor whose newest row is the window's last: the smaller of the two forms.
 * Work per row does not depend on the window: sums subtract what leaves; maxima walk over a window's hops
 * once in as many hops (van Herk, 1992).
 */
export function streamFold(graph: Graph, node: Node, plan: TensorLayout): FoldReuse | undefined {
  const view = viewOf(graph);
  const rule = view.rule(node);
  const { windowRows: rows, newRows, jump } = plan;
  if (rule.kind !== 'fold' || rows <= newRows) return undefined;
  const frame = view.frameBytes(plan.tensor);
  const [maxima, sums] = [partialBytes(graph, node.output, false), partialBytes(graph, node.output, true)];
  const waiting = Math.ceil(rows / newRows) - 1;
  const edge = { jump, rows, left: 0, right: 0, newRows, phases: 1 };
  const stream = { ...edge, microRows: newRows, newest: rows - 1, oldest: 0, shift: waiting * newRows, spliced: 0 };
  const openRows = rows - waiting * newRows;
  const of = (method: FoldReuse['method'], slots: number, slotBytes: number, totalBytes: number): FoldReuse => {
    return { method, slots, stream, openRows, slotBytes, totalBytes, stateBytes: slots * slotBytes + totalBytes };
  };
  if (rule.fold === 'max') return of('slide', waiting, openRows === newRows ? maxima : 2 * maxima, maxima);
  const totals = of('totals', waiting, sums, sums);
  const ring = of('ring', rows, frame, sums);
  return totals.stateBytes <= ring.stateBytes ? totals : ring;
}
