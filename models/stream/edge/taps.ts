/**
 * Edge rows of the first layer as partial tap sums, which cost few multiply-accumulates or none.
 *
 * In: a convolution that reads the graph input, its streams, and the number of windows ahead.  Out: Taps: the
 * accumulators, where the start of a window cuts them, and their bytes.
 * Source: edge-exact proof, section 3 ("first-layer shortcut"). An edge row of the first convolution is the
 * interior row at the same position, summed only over the taps inside the window. This does not hold for
 * deeper layers, whose inputs differ at the edge.
 *
 * Each new input row is multiplied once by every tap, and added to the int32 accumulators of the rows that it
 * belongs to. When window n is due, the accumulators that are still open are its right-edge rows. A left-edge
 * row is the stream row minus the taps before the window. There are two ways to know these taps:
 * - Record: when the input reaches the start of window n + cutAhead, the open accumulators of its first rows
 *   are copied, and kept until the rows are complete. A record costs no work, but there is one for every
 *   window that starts while the row is open.
 * - No record: once the row is complete, the taps before the window are summed again from the last input
 *   rows. They are at most as many as the padding. Windows that share a stream row share them.
 */
import type { Graph, Node } from '../../graph/types.ts';
import { viewOf } from '../../graph/view.ts';
import type { WindowRule } from '../timing.ts';
import type { Stream, Taps, TapsRow } from './layout.ts';

/**
 * Returns the tap sums of a layer, or undefined if it cannot have them.
 * @param maxRecorded upper bound of the left-edge rows with records
 */
export function tapsOf(
  graph: Graph,
  node: Node,
  streams: Map<number, Stream>,
  ahead: number,
  maxRecorded: number,
): Taps | undefined {
  const [input] = node.inputs as [number];
  const view = viewOf(graph);
  const rule = view.rule(node);
  const x = streams.get(input);
  const y = streams.get(node.output);
  // sums over int16 do not fit int32 accumulators
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
  const recorded = Math.min(left, maxRecorded);
  const recordsAhead = recorded > 0 ? completionOf(y, recorded - 1) : 0;
  const records = recorded > 0 ? cutAhead - recordsAhead + 1 : 0;
  const waiting = recorded > 0 ? recordsAhead - ahead : 0;
  const unrecorded = unrecordedRows(y, rule, recorded);
  const slots = recorded < left ? completionOf(y, recorded) - ahead + 1 : 0;
  const unrecordedWaiting = slots > 1 ? slots : 0;
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
    unrecorded,
    unrecordedWaiting,
    repeatedTaps: unrecorded.reduce((sum, { at, taps }, i) => sum + (unrecorded[i + 1]?.at === at ? 0 : taps), 0),
    stateBytes: bytes * (4 * (accRows + records * recorded) + waiting * recorded + unrecordedWaiting * (left - recorded)),
  };
}

/** Returns a, where left-edge row f of window n + a becomes complete in the hop before output n. */
const completionOf = (y: Stream, f: number): number => Math.floor((y.newest - f * y.phases) / y.newRows);

/** Returns the left-edge rows from `first` on. Rows that can share taps follow each other. */
function unrecordedRows(y: Stream, rule: WindowRule, first: number): TapsRow[] {
  const rows: TapsRow[] = [];
  for (let row = first; row < y.left; row++) {
    const ahead = completionOf(y, row);
    const taps = Math.ceil((rule.pad[0] - row * rule.stride) / rule.dilation);
    rows.push({ row, ahead, at: row * y.phases + ahead * y.newRows, taps });
  }
  return rows.sort((a, b) => a.at - b.at || a.taps - b.taps);
}

/** Returns the multiply-accumulates per output of taps that are summed again. */
export function repeatedMacs(graph: Graph, node: Node, taps: Taps | undefined): number {
  const view = viewOf(graph);
  const rule = view.rule(node);
  return taps && rule.kind === 'window' ? (view.macsPerRow(node) * taps.repeatedTaps) / rule.kernel : 0;
}
