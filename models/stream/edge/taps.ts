/**
 * The first layer's edges as partial tap sums: they cost few multiply-accumulates, or none.
 *
 * In: a convolution that reads the graph input, its stream, and the windows ahead.  Out: Taps: which
 * accumulators are open, where a window's start cuts them, and their bytes.
 * Source: edge-exact proof, section 3 ("first-layer shortcut"): an edge row of the first convolution is a
 * partial sum of the interior row at the same position, over the taps that lie inside the window. Deeper
 * layers cannot do it: their inputs at the edge differ.
 *
 * Every new input row is multiplied once by each tap and added to the int32 accumulators of the rows that it
 * belongs to. When window n falls due, an open accumulator is a row of its right edge. A row of the left edge
 * is the row of the stream less the taps before the window. There are two ways to know these. A record: when
 * the input reaches the start of window n + cutAhead, the open accumulators of that window's first rows are
 * copied, and wait until the row is complete. Or, when the row is complete, the taps before the window are
 * summed again from the input's last rows. They are at most the padding's, and windows that share the row of
 * the stream share them. Records cost no work, and as many bytes as windows start while a row is open.
 */
import type { Graph, Node } from '../../graph/types.ts';
import { viewOf } from '../../graph/view.ts';
import type { WindowRule } from '../timing.ts';
import type { Stream, Taps, TapsRow } from './layout.ts';

/** Taps of `node`. At most `most` rows of its left edge have records. Undefined where it has no such form. */
export function tapsOf(graph: Graph, node: Node, streams: Map<number, Stream>, ahead: number, most: number): Taps | undefined {
  const [input] = node.inputs as [number];
  const view = viewOf(graph);
  const rule = view.rule(node);
  const x = streams.get(input);
  const y = streams.get(node.output);
  // int32 accumulators have no room for sums over int16
  const isFirst = !view.touchesInt16(node) && node.inputs.length === 1 && !view.producer(input);
  if (!isFirst || !x || !y || rule.kind !== 'window' || !('weights' in node.attrs) || x.microRows !== x.newRows) return undefined;
  const { left, right } = y;
  const extent = (rule.kernel - 1) * rule.dilation;
  if (left + right === 0 || rule.kernel === 1 || rule.pad[0] > extent) return undefined;
  const window = x.rows;
  const grid = y.jump / y.phases / x.jump;
  const accFirst = y.newest - y.newRows + 1;
  const accRows = Math.floor((window - 1 + rule.pad[0]) / grid) - accFirst + 1;
  const cutAhead = left > 0 ? Math.floor(window / x.newRows) : 0;
  const completeAhead = left > 0 ? completionOf(y, left - 1) : 0;
  if (left > 0 && (completeAhead < ahead || completeAhead > cutAhead)) return undefined;
  const recorded = Math.min(left, most);
  const recordsAhead = recorded > 0 ? completionOf(y, recorded - 1) : 0;
  const records = recorded > 0 ? cutAhead - recordsAhead + 1 : 0;
  const waiting = recorded > 0 ? recordsAhead - ahead : 0;
  const again = rowsAgain(y, rule, recorded);
  const slots = recorded < left ? completionOf(y, recorded) - ahead + 1 : 0;
  const againWaiting = slots > 1 ? slots : 0;
  const bytes = view.frameBytes(node.output);
  return {
    grid,
    accFirst,
    accRows,
    cut: recorded > 0 ? cutAhead * x.newRows : window,
    cutAhead,
    completeAhead,
    recorded,
    recordsAhead,
    records,
    waiting,
    again,
    againWaiting,
    againTaps: again.reduce((sum, { at, taps }, i) => sum + (again[i + 1]?.at === at ? 0 : taps), 0),
    stateBytes: bytes * (4 * (accRows + records * recorded) + waiting * recorded + againWaiting * (left - recorded)),
  };
}

/** Row f of the left edge of window n + this is complete when window n falls due, and was not before. */
const completionOf = (y: Stream, f: number): number => Math.floor((y.newest - f * y.phases) / y.newRows);

/** Rows of the left edge from `first` on, in the order in which they can share taps. */
function rowsAgain(y: Stream, rule: WindowRule, first: number): TapsRow[] {
  const rows: TapsRow[] = [];
  for (let row = first; row < y.left; row++) {
    const ahead = completionOf(y, row);
    const taps = Math.ceil((rule.pad[0] - row * rule.stride) / rule.dilation);
    rows.push({ row, ahead, at: row * y.phases + ahead * y.newRows, taps });
  }
  return rows.sort((a, b) => a.at - b.at || a.taps - b.taps);
}

/** Work of the taps that are summed again. */
export function againMacs(graph: Graph, node: Node, taps: Taps | undefined): number {
  const view = viewOf(graph);
  const rule = view.rule(node);
  return taps && rule.kind === 'window' ? (view.macsPerRow(node) * taps.againTaps) / rule.kernel : 0;
}
