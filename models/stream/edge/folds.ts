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
 */
import type { Graph, Node } from '../../graph/types.ts';
import { viewOf } from '../../graph/view.ts';
import { partialBytes } from '../fold.ts';
import type { FoldReuse, Stream } from './layout.ts';

/** @param ahead number of waiting windows */
export function foldOf(graph: Graph, node: Node, stream: Stream, ahead: number): FoldReuse {
  const rule = viewOf(graph).rule(node);
  const slotBytes = partialBytes(graph, node.output, rule);
  const totalBytes = rule.kind === 'fold' && rule.fold === 'sum' ? slotBytes : 0;
  const { newest, shift, phases, left } = stream;
  const openRows = Math.floor((newest - shift) / phases) - left + 1;
  const method = totalBytes > 0 ? 'totals' : 'waiting';
  return { method, slots: ahead, stream, openRows, slotBytes, totalBytes, stateBytes: ahead * slotBytes + phases * totalBytes };
}

/** Returns the nodes for which accumulators take less state than the rows of their input. */
export function foldsOf(graph: Graph, streams: Map<number, Stream>, trunk: Set<Node>, ahead: number): Node[] {
  if (ahead === 0) return [];
  const view = viewOf(graph);
  return graph.nodes.filter((node) => {
    const [id] = node.inputs as [number];
    const maker = view.producer(id);
    const at = streams.get(id);
    if (!at || !maker || !trunk.has(maker) || trunk.has(node)) return false;
    if (!view.soleReader(id) || node.inputs.length !== 1) return false;
    const rule = view.rule(node);
    // the sums of a dense layer over int16 do not fit int32 accumulators
    const linear = rule.kind === 'whole' && rule.linear === true && !view.touchesInt16(node);
    if (rule.kind !== 'fold' && !linear) return false;
    const fold = foldOf(graph, node, at, ahead);
    if (fold.openRows < 0) return false;
    const frame = view.frameBytes(id);
    const known = at.newest - at.newRows + 1; // end of the kept stream rows
    const rows = known - at.left * at.phases + ahead * at.left;
    const open = Math.max(0, known - at.left * at.phases - at.shift);
    return fold.stateBytes + open * frame < rows * frame;
  });
}
