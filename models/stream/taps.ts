/**
 * The first layer's edges as partial tap sums: they cost no multiply-accumulates.
 *
 * In: a convolution that reads the graph input, its stream, and the windows ahead.  Out: Taps: which accumulators are open, where a window's
 * start cuts them, and their bytes.
 * Source: edge-exact proof, section 3 ("first-layer shortcut"): an edge row of the first convolution is a partial sum of the interior row at
 * the same position, over the taps that lie inside the window. Deeper layers cannot do it: their inputs at the edge differ.
 *
 * Every new input row is multiplied once by each tap and added to the int32 accumulators of the rows that it belongs to. When window n falls
 * due, an open accumulator is a row of its right edge. When the input reaches the start of window n + cutAhead, the open accumulators of that
 * window's first rows are copied to a record: what they have gathered so far lies before the window. Once such a row is complete, its total
 * minus the record is the row of the left edge.
 */
import type { Graph, Node } from '../graph/types.ts';
import { viewOf } from '../graph/view.ts';
import type { Interior, Taps } from './layout.ts';

/** Taps of `node`, or undefined where it has no such form. */
export function tapsOf(graph: Graph, node: Node, interiors: Map<number, Interior>, ahead: number): Taps | undefined {
  const [input] = node.inputs as [number];
  const view = viewOf(graph);
  const rule = view.rule(node);
  const x = interiors.get(input);
  const y = interiors.get(node.output);
  // int32 accumulators have no room for sums over int16
  const isFirst = !view.touchesInt16(node) && node.inputs.length === 1 && !view.producer(input);
  if (!isFirst || !x || !y || rule.kind !== 'window' || !('weights' in node.attrs) || x.microRows !== x.newRows) return undefined;
  const { left, right } = y.edge;
  const extent = (rule.kernel - 1) * rule.dilation;
  if (left + right === 0 || rule.kernel === 1 || rule.pad[0] > extent) return undefined;
  const window = x.edge.rows;
  const grid = y.edge.jump / y.step / x.edge.jump;
  const accFirst = y.newest - y.newRows + 1;
  const accRows = Math.floor((window - 1 + rule.pad[0]) / grid) - accFirst + 1;
  const cutAhead = left > 0 ? Math.floor(window / x.newRows) : 0;
  const completeAhead = left > 0 ? Math.floor((y.newest - (left - 1) * y.step) / y.newRows) : 0;
  if (left > 0 && (completeAhead < ahead || completeAhead > cutAhead)) return undefined;
  const records = left > 0 ? cutAhead - completeAhead + 1 : 0;
  const waiting = left > 0 ? completeAhead - ahead : 0;
  const bytes = view.frameBytes(node.output);
  return {
    grid,
    accFirst,
    accRows,
    cut: left > 0 ? cutAhead * x.newRows : window,
    cutAhead,
    completeAhead,
    records,
    waiting,
    stateBytes: bytes * (4 * (accRows + records * left) + waiting * left),
  };
}
