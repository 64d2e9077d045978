/**
 * Folds in edge-exact: one accumulator per waiting window instead of the rows of the last tensor.
 *
 * In: a node that reduces over a whole window (global average, global maximum, dense) and its input's stream.
 * Out: FoldReuse: which rows are added to an accumulator at which output, and its bytes.
 * Source: edge-exact proof, sections 4 (fork + fold) and 6.6, 6.7; StreamiNNC section 5.5.
 *
 * At output n the accumulator of window n + ahead opens with the left edge and the interior rows that are
 * already complete. New rows are added to the accumulators of all waiting windows of their phase. The
 * accumulator of window n gets the right edge and closes.
 * A sum does not visit the waiting windows. It keeps a running total, which an accumulator subtracts when it
 * opens and adds when it closes. So work per row does not depend on the window. It is exact modulo 2^32.
 * If accumulators take more state than rows, or if several nodes reduce the tensor, they share a ring of rows
 * (parts.ts).
 */
import type { Graph, Node } from '../../graph/types.ts';
import { viewOf } from '../../graph/view.ts';
import { partialBytes } from '../fold.ts';
import type { FoldReuse, Stream } from './layout.ts';
import { sharedFolds } from './parts.ts';

/** Returns an accumulator per waiting window; undefined if the rows take no more state. */
function waitingOf(graph: Graph, node: Node, at: Stream, ahead: number): FoldReuse | undefined {
  const view = viewOf(graph);
  const rule = view.rule(node);
  const slotBytes = partialBytes(graph, node.output, rule);
  const totalBytes = rule.kind === 'fold' && rule.fold === 'sum' ? slotBytes : 0;
  const openRows = Math.floor((at.newest - at.shift) / at.phases) - at.left + 1;
  if (openRows < 0) return undefined;
  const method = totalBytes > 0 ? 'totals' : 'waiting';
  const stateBytes = ahead * slotBytes + at.phases * totalBytes;
  const frame = view.frameBytes(node.inputs[0] as number);
  const known = at.newest - at.newRows + 1; // end of the kept stream rows
  const rows = known - at.left * at.phases + ahead * at.left;
  const open = Math.max(0, known - at.left * at.phases - at.shift);
  if (stateBytes + open * frame >= rows * frame) return undefined;
  return { method, slots: ahead, stream: at, openRows, slotBytes, totalBytes, stateBytes };
}

/** Returns the fold of the only reader of a tensor; undefined if it does not keep accumulators. */
function soleFold(graph: Graph, node: Node, stream: Stream, ahead: number): FoldReuse | undefined {
  const view = viewOf(graph);
  const rule = view.rule(node);
  // the sums of a dense layer over int16 do not fit int32 accumulators
  const linear = rule.kind === 'whole' && rule.linear === true && !view.touchesInt16(node);
  return ahead > 0 && node.inputs.length === 1 && (rule.kind === 'fold' || linear)
    ? waitingOf(graph, node, stream, ahead)
    : undefined;
}

/**
 * Returns the nodes that keep accumulators, or a ring, instead of the rows of their input.
 * @param ahead number of waiting windows
 */
export function foldsOf(graph: Graph, streams: Map<number, Stream>, trunk: Set<Node>, ahead: number): Map<Node, FoldReuse> {
  const view = viewOf(graph);
  const folds = new Map<Node, FoldReuse>();
  for (const node of trunk) {
    const stream = streams.get(node.output) as Stream;
    const readers = view.readers(node.output).filter((n) => !trunk.has(n));
    const [first] = readers;
    if (!first || view.isOutput(node.output)) continue;
    const sole = view.soleReader(node.output) ? soleFold(graph, first, stream, ahead) : undefined;
    const found = sole ? [[first, sole] as const] : (sharedFolds(graph, readers, stream) ?? []);
    for (const [reader, fold] of found) folds.set(reader, fold);
  }
  return folds;
}
