/**
 * sharedRanges: chooses the ranges of tensors that must share one scale, by the squared error of their uses.
 *
 * In: a float Graph and a histogram of every tensor.  Out: the range of each tensor. Maximum pools,
 * histories, slices and concatenations pass int8 values on unchanged. A tensor before them is therefore
 * judged by the histogram behind them: clip(max x) = max(clip x), and values that never are the maximum cause
 * no error. The range of a concatenation has the smallest error over all its inputs, which form its
 * histogram. An input of it either takes that range (rounded once), or keeps its separate range for its other
 * readers and is requantised (rounded twice). The smaller sum of squared widths decides:
 *
 *     separate^2 (1 + m) + joint^2   against   joint^2 (1 + m),   m: number of its other readers
 *
 * An average keeps its input's range, because clipping before it differs from clipping after it. A sum shares
 * no scale: its operands and its result have separate ranges, and the three errors add up.
 */
import type { Graph, Node } from '../../models/graph/types.ts';
import { viewOf } from '../../models/graph/view.ts';
import { Histogram } from '../observers/histogram.ts';
import { minError } from '../observers/mse.ts';
import { intOpOfNode } from '../ops/index.ts';

/** How an operator passes int8 values of its input on unchanged; undefined if it computes new ones. */
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
  /** Returns the histogram of the tensor's values that reach arithmetic or an output. */
  const leavingOf = (id: number): Histogram => {
    const known = leaving.get(id);
    if (known) return known;
    const readers = view.readers(id);
    let result = histograms.get(id) ?? new Histogram();
    if (!view.isOutput(id) && readers.length > 0 && readers.every(alone)) {
      result = new Histogram();
      for (const { output } of readers) result.merge(leavingOf(output));
    }
    leaving.set(id, result);
    return result;
  };
  const ranges = new Map<number, Range>();
  for (const id of histograms.keys()) ranges.set(id, minError(leavingOf(id)));
  for (const node of [...graph.nodes].reverse()) {
    if (handsOn(node) !== 'joined') continue;
    const joint = ranges.get(node.output) as Range;
    for (const id of node.inputs) {
      const others = view.readers(id).length - 1 + (view.isOutput(id) ? 1 : 0);
      const separate = ranges.get(id) as Range;
      if (span(joint) ** 2 * (1 + others) <= span(separate) ** 2 * (1 + others) + span(joint) ** 2)
        takeRange(graph, id, joint, ranges);
    }
  }
  return ranges;
}

/** Sets the range of a tensor, and of the tensors before it that only pass their values on to it. */
function takeRange(graph: Graph, id: number, range: Range, ranges: Map<number, Range>): void {
  ranges.set(id, range);
  const view = viewOf(graph);
  const producer = view.producer(id);
  if (!producer || !alone(producer)) return;
  const [x] = producer.inputs as [number];
  if (view.soleReader(x) && handsOn(producer) !== 'cut') takeRange(graph, x, range, ranges);
}
