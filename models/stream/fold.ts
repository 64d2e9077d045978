/**
 * Folds in edge-exact: one accumulator per waiting window in place of the rows of the last tensor.
 *
 * In: a node that reduces over a whole window (global average, global maximum, dense) and its input's stream.
 * Out: FoldReuse: which rows enter an accumulator when, and its bytes.
 * Source: edge-exact proof, sections 4 (fork + fold) and 6.6, 6.7; StreamiNNC section 5.5.
 *
 * At output n the accumulator of window n + ahead opens with the left edge and the interior rows that are
 * there already; new rows enter the accumulators of all waiting windows of their phase; the accumulator of
 * window n takes the right edge and closes. A sum needs no walk over the waiting windows: it opens minus a
 * running total and closes plus it, exact modulo 2^32, so its work per row does not depend on the window.
 */
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import type { FoldReuse, Interior } from './layout.ts';
import type { TensorPlan } from './types.ts';

/** Bytes of one row of a tensor. */
export const frameBytes = (graph: Graph, id: number): number => viewOf(graph).frameBytes(id);

/** Bytes of one partial result: int32 sums, or maxima as they are. */
export const partialBytes = (graph: Graph, output: number, sum: boolean): number =>
  sum ? 4 * viewOf(graph).frame(output) : viewOf(graph).frameBytes(output);

export function foldOf(graph: Graph, node: Node, interior: Interior, ahead: number): FoldReuse {
  const rule = viewOf(graph).rule(node);
  const slotBytes = partialBytes(graph, node.output, !(rule.kind === 'fold' && rule.fold === 'max'));
  const totalBytes = rule.kind === 'fold' && rule.fold === 'sum' ? slotBytes : 0;
  const { newest, shift, step, edge } = interior;
  const openRows = Math.floor((newest - shift) / step) - edge.left + 1;
  const method = totalBytes > 0 ? 'totals' : 'waiting';
  return { method, slots: ahead, interior, openRows, slotBytes, totalBytes, stateBytes: ahead * slotBytes + step * totalBytes };
}

/**
 * A fold in mode stream over a tensor whose newest row is the window's last: the smaller of the two forms.
 * Work per row does not depend on the window: sums subtract what leaves; maxima walk over a window's hops
 * once in as many hops (van Herk, 1992).
 */
export function streamFold(graph: Graph, node: Node, plan: TensorPlan): FoldReuse | undefined {
  const view = viewOf(graph);
  const rule = view.rule(node);
  const { windowRows: rows, newRows, jump } = plan;
  if (rule.kind !== 'fold' || rows <= newRows) return undefined;
  const frame = view.frameBytes(plan.tensor);
  const [maxima, sums] = [partialBytes(graph, node.output, false), partialBytes(graph, node.output, true)];
  const waiting = Math.ceil(rows / newRows) - 1;
  const edge = { jump, rows, left: 0, right: 0, newRows, phases: 1 };
  const interior = { edge, step: 1, newRows, microRows: newRows, newest: rows - 1, oldest: 0, shift: waiting * newRows };
  const openRows = rows - waiting * newRows;
  const of = (method: FoldReuse['method'], slots: number, slotBytes: number, totalBytes: number): FoldReuse => {
    return { method, slots, interior, openRows, slotBytes, totalBytes, stateBytes: slots * slotBytes + totalBytes };
  };
  if (rule.fold === 'max') return of('slide', waiting, openRows === newRows ? maxima : 2 * maxima, maxima);
  const totals = of('totals', waiting, sums, sums);
  const ring = of('ring', rows, frame, sums);
  return totals.stateBytes <= ring.stateBytes ? totals : ring;
}

/** Nodes whose input is better kept as accumulators than as rows. */
export function foldsOf(graph: Graph, interiors: Map<number, Interior>, trunk: Set<Node>, ahead: number): Node[] {
  if (ahead === 0) return [];
  const view = viewOf(graph);
  return graph.nodes.filter((node) => {
    const [id] = node.inputs as [number];
    const maker = view.producer(id);
    const at = interiors.get(id);
    if (!at || !maker || !trunk.has(maker) || trunk.has(node)) return false;
    if (!view.soleReader(id) || node.inputs.length !== 1) return false;
    const rule = view.rule(node);
    // int32 accumulators have no room for what a dense layer sums up of int16
    const linear = rule.kind === 'whole' && rule.linear === true && !view.touchesInt16(node);
    if (rule.kind !== 'fold' && !linear) return false;
    const fold = foldOf(graph, node, at, ahead);
    if (fold.openRows < 0) return false;
    const frame = view.frameBytes(id);
    const known = at.newest - at.newRows + 1; // rows of the stream that are kept end here
    const rows = known - at.edge.left * at.step + ahead * at.edge.left;
    const open = Math.max(0, known - at.edge.left * at.step - at.shift);
    return fold.stateBytes + open * frame < rows * frame;
  });
}
