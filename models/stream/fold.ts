/**
 * Folds in edge-exact: one accumulator per waiting window in place of the rows of the last tensor.
 *
 * In: a node that reduces over a whole window (global average, global maximum, dense) and its input's stream.
 * Out: FoldReuse: which rows enter an accumulator when, and its bytes.
 * Source: edge-exact proof, sections 4 (fork + fold) and 6.6, 6.7; StreamiNNC section 5.5.
 *
 * At output n the accumulator of window n + ahead opens with the left edge and the interior rows that are there already; new rows enter the
 * accumulators of all waiting windows of their phase; the accumulator of window n takes the right edge and closes. A sum needs no walk
 * over the waiting windows: it opens minus a running total and closes plus it, exact modulo 2^32, so its work per row does not depend on
 * the window.
 */
import { frameOf, type Graph, type Node } from '../graph/types.ts';
import type { Interior } from './reuse.ts';
import { ruleOf } from './timing.ts';

export interface FoldReuse {
  /** Waiting windows: accumulators in the queue. */
  ahead: number;
  interior: Interior;
  /** Interior rows of window n + ahead that are there at output n. */
  openRows: number;
  /** Bytes of one accumulator, and of the running total of one phase (sums only). */
  slotBytes: number;
  totalBytes: number;
  stateBytes: number;
}

export function foldOf(graph: Graph, node: Node, interior: Interior, ahead: number): FoldReuse {
  const rule = ruleOf(graph, node);
  const bytes = rule.kind === 'fold' && rule.fold === 'max' ? 1 : 4; // int8 maxima, int32 sums
  const slotBytes = frameOf(graph.tensors[node.output]?.shape ?? { t: 0, f: 0, c: 0 }) * bytes;
  const totalBytes = rule.kind === 'fold' && rule.fold === 'sum' ? slotBytes : 0;
  const { newest, shift, step, edge } = interior;
  const openRows = Math.floor((newest - shift) / step) - edge.left + 1;
  return { ahead, interior, openRows, slotBytes, totalBytes, stateBytes: ahead * slotBytes + step * totalBytes };
}

/** Nodes whose input is better kept as accumulators than as rows. */
export function foldsOf(graph: Graph, interiors: Map<number, Interior>, trunk: Set<Node>, ahead: number): Node[] {
  if (ahead === 0) return [];
  return graph.nodes.filter((node) => {
    const [id] = node.inputs as [number];
    const maker = graph.nodes.find((n) => n.output === id);
    const at = interiors.get(id);
    if (!at || !maker || !trunk.has(maker) || trunk.has(node) || graph.outputs.some((p) => p.tensor === id)) return false;
    if (graph.nodes.filter((n) => n.inputs.includes(id)).length !== 1 || node.inputs.length !== 1) return false;
    const rule = ruleOf(graph, node);
    if (rule.kind !== 'fold' && !(rule.kind === 'whole' && rule.linear === true)) return false;
    const fold = foldOf(graph, node, at, ahead);
    if (fold.openRows < 0) return false;
    const frame = frameOf(graph.tensors[id]?.shape ?? { t: 0, f: 0, c: 0 });
    const known = at.newest - at.newRows + 1; // rows of the stream that are kept end here
    const rows = known - at.edge.left * at.step + ahead * at.edge.left;
    const open = Math.max(0, known - at.edge.left * at.step - at.shift);
    return fold.stateBytes + open * frame < rows * frame;
  });
}
