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
 * If no row touches an edge, a sum may keep a ring of the rows and their sum per phase instead: each new row
 * replaces the row of its phase that leaves.
 */
import type { Graph, Node } from '../../graph/types.ts';
import { viewOf } from '../../graph/view.ts';
import { partialBytes } from '../fold.ts';
import type { FoldReuse, Stream } from './layout.ts';

/**
 * Largest part of the rows' bytes that a sum per phase may take in addition. A choice: it replaces a sum over
 * the window at every output.
 */
const maxShare = 1 / 4;

/**
 * Returns a ring of a window's rows and their sum per phase; undefined if rows touch an edge, or if the sums
 * take much more state.
 */
function ringOf(graph: Graph, node: Node, stream: Stream): FoldReuse | undefined {
  const view = viewOf(graph);
  const rule = view.rule(node);
  if (rule.kind !== 'fold' || rule.fold !== 'sum' || view.touchesInt16(node)) return undefined;
  const totalBytes = partialBytes(graph, node.output, rule);
  const slotBytes = view.frameBytes(node.inputs[0] as number);
  const slots = stream.rows * stream.phases;
  const sums = stream.phases * totalBytes;
  if (stream.left + stream.right > 0 || sums > maxShare * slots * slotBytes) return undefined;
  return { method: 'ring', slots, stream, openRows: 0, slotBytes, totalBytes, stateBytes: slots * slotBytes + sums };
}

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

/** Returns the fold of a node; undefined if its rows are better. @param ahead number of waiting windows */
export function foldOf(graph: Graph, node: Node, stream: Stream, ahead: number): FoldReuse | undefined {
  return (ahead > 0 ? waitingOf(graph, node, stream, ahead) : undefined) ?? ringOf(graph, node, stream);
}

/** Returns the nodes that keep accumulators, or a ring with sums, instead of the rows of their input. */
export function foldsOf(graph: Graph, streams: Map<number, Stream>, trunk: Set<Node>, ahead: number): Node[] {
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
    return (rule.kind === 'fold' || linear) && foldOf(graph, node, at, ahead) !== undefined;
  });
}
