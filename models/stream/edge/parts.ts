/**
 * Folds over parts of a window, from a ring of interior rows that all folds of a tensor share.
 *
 * In: nodes that reduce a tensor over the window (globalavg, globalmax, gem) or over parts of it (the bins of
 * a spatial pyramid), and its stream.  Out: a FoldReuse with method `parts` for each node.
 * Source: spatial pyramid pooling (He et al., 2014); sums and maxima of sliding windows.
 *
 * A sum is kept per part and phase: each new row of the stream moves the part by one row, so the row that
 * enters is added and the row that leaves is subtracted. Maxima cannot be subtracted. Level k of the ring
 * holds, for each row, the maximum of the last 2^k rows of its phase, which is one comparison of two rows of
 * level k - 1. The maximum of a part is that of two rows of one level that cover it.
 * Rows that touch an edge of the window are not in the ring; each output adds them.
 * Work per output: two rows per part, and one row per level. For sums it does not grow with a part's length.
 */
import type { Graph, Node } from '../../graph/types.ts';
import { viewOf } from '../../graph/view.ts';
import { maxOf } from '../../lists.ts';
import type { FoldReuse, Part, Stream } from './layout.ts';

/** What a node reduces: row i of its output reduces `length` rows of its input from first + i * stride on. */
export interface Reduction {
  fold: 'sum' | 'max';
  /** Bytes of a sum. */
  bytes: number;
  first: number;
  length: number;
  stride: number;
  /** Number of parts, the rows of the output. */
  count: number;
}

/** Returns the reduction of an int8 node; undefined if it is none, or keeps int16. */
export function reductionOf(graph: Graph, node: Node): Reduction | undefined {
  const view = viewOf(graph);
  const rule = view.rule(node);
  if (view.touchesInt16(node)) return undefined;
  const count = view.rows(node.output);
  if (rule.kind === 'fold') {
    const length = view.rows(node.inputs[0] as number);
    return { fold: rule.fold, bytes: rule.fold === 'sum' ? rule.bytes : 0, first: 0, length, stride: 1, count };
  }
  if (rule.kind !== 'window' || !rule.reduces) return undefined;
  const { reduces: fold, pad, kernel: length, stride } = rule;
  return { fold, bytes: fold === 'sum' ? 4 : 0, first: -pad[0], length, stride, count };
}

/** Returns which rows of the ring give part i. */
function partOf({ rows, left, right, phases }: Stream, { fold, first: start, length, stride }: Reduction, i: number): Part {
  const from = start + i * stride;
  const to = from + length;
  const [first, end] = [Math.max(from, left), Math.min(to, rows - right)];
  const interior = first < end;
  const back = (row: number) => (interior ? (rows - right - 1 - row) * phases : 0);
  const level = interior && fold === 'max' ? Math.floor(Math.log2(end - first)) : 0;
  const leaves = fold === 'max' ? first - 1 + 2 ** level : first - 1;
  return { from, to, enters: back(end - 1), leaves: back(leaves), level, interior };
}

/** Returns the number of rows of each level that parts read, with the rows of one hop. */
function levelsOf(parts: readonly Part[], { phases, newRows }: Stream): number[] {
  const highest = maxOf(parts.map((p) => p.level));
  return Array.from({ length: highest + 1 }, (_, level) => {
    const reads = parts.filter((p) => p.level === level).flatMap((p) => [p.enters, p.leaves]);
    // the next level takes the maximum of two rows of this one
    const next = level < highest ? 2 ** level * phases : 0;
    return Math.max(next, maxOf(reads)) + newRows;
  });
}

/** Bytes of the position of each level in the ring. */
export const positionBytes = 4;

/** Returns the bytes of a ring. @param rowBytes bytes of one row of the tensor */
const ringBytes = (levels: readonly number[], rowBytes: number): number =>
  levels.reduce((sum, rows) => sum + rows * rowBytes + positionBytes, 0);

/**
 * Largest state of the folds of a tensor, in windows of its interior rows. A choice: the levels of the maxima
 * of a pyramid take about twice the rows of the window.
 */
const maxWindows = 4;

/** Largest number of parts of a layer. A choice: more rows than these stream with less work as a layer. */
const maxParts = 64;

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Returns the rows of a part that touch an edge of the window: at the left, and at the right. */
export function edgeRowsOf({ from, to }: Part, { rows, left, right }: Stream): [left: number, right: number] {
  return [Math.max(0, Math.min(to, left) - from), Math.max(0, to - Math.max(from, rows - right))];
}

/** Returns the number of rows that a fold adds or compares per output. */
export function rowsReadBy({ shared, stream, totalBytes, method, slots }: FoldReuse): number {
  const { newRows, phases, left, right } = stream;
  if (!shared) return left + right + (method === 'waiting' ? Math.ceil((newRows * slots) / phases) : newRows);
  const own = shared.parts.map(
    (part) => sum(edgeRowsOf(part, stream)) + (part.interior ? 2 * (totalBytes > 0 ? newRows : 1) : 0),
  );
  return sum(own) + (shared.first ? shared.levels.length * newRows : 0);
}

/**
 * Returns the folds of all nodes that read a tensor outside the trunk. Returns undefined if one of them is no
 * reduction or has too many parts, if the ring takes too much state, or if no fewer rows are read.
 */
export function sharedFolds(graph: Graph, nodes: readonly Node[], stream: Stream): Map<Node, FoldReuse> | undefined {
  const view = viewOf(graph);
  const reductions = nodes.map((node) => reductionOf(graph, node)).filter((r) => r !== undefined);
  if (reductions.length < nodes.length || reductions.some((r) => r.count > maxParts)) return undefined;
  const parts = reductions.map((r) => Array.from({ length: r.count }, (_, i) => partOf(stream, r, i)));
  const levels = levelsOf(parts.flat(), stream);
  const slotBytes = view.frameBytes(nodes[0]?.inputs[0] as number);
  const folds = nodes.map((node, i): [Node, FoldReuse] => {
    const own = parts[i] as Part[];
    const totalBytes = own.length * (reductions[i]?.bytes ?? 0) * view.frame(node.output);
    const stateBytes = stream.phases * totalBytes + (i === 0 ? ringBytes(levels, slotBytes) : 0);
    const shared = { first: i === 0, levels, parts: own };
    return [node, { method: 'parts', slots: 0, shared, stream, openRows: 0, slotBytes, totalBytes, stateBytes }];
  });
  const interior = stream.rows - stream.left - stream.right;
  const state = sum(folds.map(([, fold]) => fold.stateBytes));
  const rows = sum(reductions.map((r) => r.count * r.length));
  const isWorth = state <= maxWindows * interior * stream.phases * slotBytes && sum(folds.map(([, f]) => rowsReadBy(f))) < rows;
  return isWorth ? new Map(folds) : undefined;
}
