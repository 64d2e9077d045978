/**
 * taps: what the first layer's partial tap sums share; conv_taps_s8 and depthwise_taps_s8 compute the sums.
 * Helpers only, no operator.
 *
 * `acc` i32 [acc_rows][y_f][y_c]: open rows of the stream, from row `acc_first` on, without bias. One hop:
 * `open` moves them down by the new rows. Taps of the input rows before the cut are added. `cut` copies the
 * sums so far of the first rows of window n + `cut_ahead`. Taps of the rows after the cut are added. `close`
 * requantises: complete rows to y, open ones as the right edge, complete minus copied sums as the left edge
 * of window n + `complete_ahead`, which waits until window n + `ahead`. Rows of the left edge without a copy:
 * taps before the window are added to an `acc` of one row, and `left` requantises the complete row minus it.
 * Source: models/stream/edge/taps.ts.  Exact: int32 sums in another order.
 */
import { clamp, rescale } from "./fixed-point";
import { PlainBlock } from "./mac";
import { fill_s8, move_s8 } from "./move";

/** Rows of the stream are numbered from the start of window n. */
@unmanaged
export class TapsBlock extends PlainBlock {
  acc: usize; // address, i32 [acc_rows][y_f][y_c]
  acc_rows: i32; // open rows
  acc_first: i32; // first open row
  new_rows: i32; // rows of the stream per hop
  step: i32; // rows of the stream between two rows of a window
  grid: i32; // input frames between two rows of the stream
  right: usize; // address of the right edge's rows
  right_rows: i32;
  right_first: i32; // number of the first of them in the stream
  left: usize; // address of the left edge's rows
  left_rows: i32;
  records: usize; // address, i32 [record_slots][left_rows][y_f][y_c]
  record_slots: i32;
  cut_ahead: i32;
  complete_ahead: i32;
  ahead: i32;
  waiting: usize; // address, s8 [waiting_slots][left_rows][y_f][y_c]
  waiting_slots: i32;
}

/** Block of a left-edge row without a record. */
@unmanaged
export class TapsRowBlock extends PlainBlock {
  total: usize; // address, i32 [y_f][y_c]: the complete row
  before: usize; // address, i32 [y_f][y_c]: its taps before the window
  ahead: i32; // windows from the one that takes its left edge now to the window of this row
  slots: i32; // number of waiting windows, or 1
  slot_bytes: i32;
}

/** Returns the elements of an output row. */
// @ts-ignore: decorator
@inline
function elements(p: TapsBlock): i32 {
  return p.y_f * p.y_c;
}

/** Returns the address of the accumulators of stream row `at`, or 0 if none of its taps has arrived. */
function accumulators(p: TapsBlock, at: i32): usize {
  const row = at - p.acc_first;
  return row < p.acc_rows ? p.acc + row * (elements(p) << 2) : 0;
}

/** Returns the address of the accumulators of tap kt of input row r, or 0 if they belong to no open row. */
export function tap_accumulators(p: TapsBlock, r: i32, kt: i32): usize {
  const at = r + p.pad_t - kt * p.dilation_t;
  const row = at / p.grid;
  if (at < 0 || at % p.grid != 0 || row < p.acc_first) return 0;
  return accumulators(p, row);
}

function requantise_row(p: TapsBlock, acc: usize, y: usize): void {
  const channels = p.y_c;
  for (let e: i32 = 0; e < elements(p); e++) {
    const o = e % channels;
    const sum = load<i32>(p.bias + (o << 2)) + (acc ? load<i32>(acc + (e << 2)) : 0);
    const scaled = rescale(sum, load<i32>(p.multiplier + (o << 2)), <i32>load<i8>(p.shift + o));
    store<i8>(y + e, clamp(p.y_zero + scaled, p.min, p.max));
  }
}

export function taps_open_s8(p: TapsBlock): void {
  const row = elements(p) << 2;
  const gone = min(p.new_rows, p.acc_rows) * row;
  const kept = p.acc_rows * row - gone;
  const acc = p.acc;
  move_s8(acc, acc + gone, kept);
  fill_s8(acc + kept, 0, gone);
}

/** Returns the address of the record of left-edge row f of a window. */
// @ts-ignore: decorator
@inline
function record(p: TapsBlock, window: i32, f: i32): usize {
  const slot = window % p.record_slots;
  return p.records + (slot * p.left_rows + f) * (elements(p) << 2);
}

export function taps_cut_s8(p: TapsBlock, phase: i32): void {
  const bytes = elements(p) << 2;
  const ahead = p.cut_ahead;
  for (let f: i32 = 0; f < p.left_rows; f++) {
    const acc = accumulators(p, f * p.step + ahead * p.new_rows);
    if (acc) move_s8(record(p, phase + ahead, f), acc, bytes);
    else fill_s8(record(p, phase + ahead, f), 0, bytes);
  }
}

/**
 * Turns records of rows that became complete in this hop from sums before the window into sums inside it.
 */
function complete(p: TapsBlock, phase: i32): void {
  const news = p.new_rows;
  for (let ahead = p.complete_ahead; ahead <= p.cut_ahead; ahead++) {
    for (let f: i32 = 0; f < p.left_rows; f++) {
      const row = f * p.step + ahead * news;
      if (row < p.acc_first || row >= p.acc_first + news) continue;
      const acc = accumulators(p, row);
      const to = record(p, phase + ahead, f);
      for (let e: i32 = 0; e < elements(p); e++) store<i32>(to + (e << 2), load<i32>(acc + (e << 2)) - load<i32>(to + (e << 2)));
    }
  }
}

export function taps_close_s8(p: TapsBlock, phase: i32): void {
  const row = elements(p);
  for (let r: i32 = 0; r < p.new_rows; r++) {
    requantise_row(p, accumulators(p, p.acc_first + r), p.y + r * row);
  }
  for (let r: i32 = 0; r < p.right_rows; r++) {
    const at = p.right_first + r * p.step;
    requantise_row(p, accumulators(p, at), p.right + r * row);
  }
  const left_rows = p.left_rows;
  if (left_rows == 0) return;
  complete(p, phase);
  let to = p.left;
  const slots = p.waiting_slots;
  if (slots) {
    // window n + complete_ahead takes the slot that window n + ahead leaves
    const slot = p.waiting + ((phase + p.ahead) % slots) * left_rows * row;
    move_s8(to, slot, left_rows * row);
    to = slot;
  }
  for (let f: i32 = 0; f < left_rows; f++) requantise_row(p, record(p, phase + p.complete_ahead, f), to + f * row);
}

/** Writes the row to the slot of its window in y, s8 [slots][...][y_f][y_c]. */
export function taps_left_s8(p: TapsRowBlock, phase: i32): void {
  const channels = p.y_c;
  const count = p.y_f * channels;
  const y = p.y + ((phase + p.ahead) % p.slots) * p.slot_bytes;
  for (let e: i32 = 0; e < count; e++) {
    const o = e % channels;
    const inside = load<i32>(p.total + (e << 2)) - load<i32>(p.before + (e << 2));
    const scaled = rescale(load<i32>(p.bias + (o << 2)) + inside, load<i32>(p.multiplier + (o << 2)), <i32>load<i8>(p.shift + o));
    store<i8>(y + e, clamp(p.y_zero + scaled, p.min, p.max));
  }
}
