/**
 * Ranges of tensors that must share one scale, by the squared error of what leaves them.
 *
 * In: a float Graph and a histogram of every tensor.  Out: the range of each. Maxima, histories, cuts and
 * joins hand int8 on unchanged, so an operator before them is judged by what comes out: clip(max x) =
 * max(clip x), and values that never win cost nothing. A join takes the range of least error over the values
 * of all its inputs, which is its own histogram. An input of a join may take that range (rounded once) or
 * keep its own and be requantised (rounded twice), where others read it too:
 *
 *     own^2 (1 + m) + joint^2   against   joint^2 (1 + m),   m: its other readers
 *
 * An average keeps its input's range: clipping before it and after it are not the same. A sum needs nothing
 * shared: its operands and its result each take the range of their own least error, and the three errors add
 * up.
 */
import type { Graph, Node } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { Histogram } from '../observers/histogram.ts';
import { leastError } from '../observers/mse.ts';
import { intOpOfNode } from '../ops/index.ts';

/** How an operator hands int8 of its input on, chosen but not changed. */
function handsOn(node: Node): 'moved' | 'cut' | 'joined' | undefined {
  const shares = intOpOfNode(node).sharesScale?.(node.attrs);
  return shares === 'averaged' ? undefined : shares;
}
const alone = (node: Node): boolean => handsOn(node) === 'moved' || handsOn(node) === 'cut';

type Range = [number, number];
const span = ([low, high]: Range): number => high - low;

export function sharedRanges(graph: Graph, histograms: ReadonlyMap<number, Histogram>): Map<number, Range> {
  const view = viewOf(graph);
  const leaving = new Map<number, Histogram>();
  /** What of a tensor goes on into arithmetic, or out. */
  const leavingOf = (id: number): Histogram => {
    const known = leaving.get(id);
    if (known) return known;
    const readers = view.readers(id);
    const own = histograms.get(id) ?? new Histogram();
    let result = own;
    if (!view.isOutput(id) && readers.length > 0 && readers.every(alone)) {
      result = new Histogram();
      for (const { output } of readers) result.merge(leavingOf(output));
    }
    leaving.set(id, result);
    return result;
  };
  const ranges = new Map<number, Range>();
  for (const id of histograms.keys()) ranges.set(id, leastError(leavingOf(id)));
  for (const node of [...graph.nodes].reverse()) {
    if (handsOn(node) !== 'joined') continue;
    const joint = ranges.get(node.output) as Range;
    for (const id of node.inputs) {
      const others = view.readers(id).length - 1 + (view.isOutput(id) ? 1 : 0);
      const own = ranges.get(id) as Range;
      if (span(joint) ** 2 * (1 + others) <= span(own) ** 2 * (1 + others) + span(joint) ** 2)
        takeRange(graph, id, joint, ranges);
    }
  }
  return ranges;
}

/** The tensor, and through operators that hand on the one before it, where nobody else reads that. */
function takeRange(graph: Graph, id: number, range: Range, ranges: Map<number, Range>): void {
  ranges.set(id, range);
  const view = viewOf(graph);
  const producer = view.producer(id);
  if (!producer || !alone(producer)) return;
  const [x] = producer.inputs as [number];
  if (view.soleReader(x) && handsOn(producer) !== 'cut') takeRange(graph, x, range, ranges);
}
