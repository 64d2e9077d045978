/**
 * taps: what the first layer's partial tap sums share; the sums themselves are conv_taps_s8 and depthwise_taps_s8. Holds no operator.
 *
 * T_ACC i32 [T_ROWS][Y_F][Y_C]: open rows of the stream, from row T_FIRST on, without bias. One hop: `open` moves them down by the new rows,
 * taps of the input rows before the cut are added, `cut` copies what the first rows of window n + T_CUT_AHEAD have gathered so far, taps of
 * the rows after it are added, `close` requantises: complete rows to Y, open ones as the right edge, complete minus copied as the left edge of
 * window n + T_COMPLETE_AHEAD, which waits until window n + T_AHEAD.  Source: models/stream/taps.ts.  Exact: int32 sums in another order.
 */
import {
  BIAS,
  DILATION_T,
  MAX,
  MIN,
  MULTIPLIER,
  PAD_T,
  SHIFT,
  T_ACC,
  T_AHEAD,
  T_COMPLETE_AHEAD,
  T_CUT_AHEAD,
  T_FIRST,
  T_GRID,
  T_LEFT,
  T_LEFT_ROWS,
  T_NEW_ROWS,
  T_RECORDS,
  T_RECORD_SLOTS,
  T_RIGHT,
  T_RIGHT_FIRST,
  T_RIGHT_ROWS,
  T_ROWS,
  T_STEP,
  T_WAITING,
  T_WAITING_SLOTS,
  Y,
  Y_C,
  Y_F,
  Y_ZERO,
} from "./block";
import { clamp, rescale } from "./fixed-point";
import { fill_s8, move_s8 } from "./move";

/** Elements of an output row. */
// @ts-ignore: decorator
@inline
function elements(p: usize): i32 {
  return load<i32>(p, Y_F) * load<i32>(p, Y_C);
}

/** Address of the accumulators of stream row `at`, or 0 where none of its taps has come. */
function accumulators(p: usize, at: i32): usize {
  const row = at - load<i32>(p, T_FIRST);
  return row < load<i32>(p, T_ROWS) ? <usize>(load<i32>(p, T_ACC) + row * (elements(p) << 2)) : 0;
}

/** Address of the accumulators that tap kt of input row r belongs to, or 0 where it belongs to no open row. */
export function tap_accumulators(p: usize, r: i32, kt: i32): usize {
  const at = r + load<i32>(p, PAD_T) - kt * load<i32>(p, DILATION_T);
  const row = at / load<i32>(p, T_GRID);
  if (at < 0 || at % load<i32>(p, T_GRID) != 0 || row < load<i32>(p, T_FIRST)) return 0;
  return accumulators(p, row);
}

function requantise_row(p: usize, acc: usize, y: usize): void {
  const channels = load<i32>(p, Y_C);
  for (let e: i32 = 0; e < elements(p); e++) {
    const o = e % channels;
    const sum = load<i32>(load<i32>(p, BIAS) + (o << 2)) + (acc ? load<i32>(acc + (e << 2)) : 0);
    const scaled = rescale(sum, load<i32>(load<i32>(p, MULTIPLIER) + (o << 2)), <i32>load<i8>(load<i32>(p, SHIFT) + o));
    store<i8>(y + e, clamp(load<i32>(p, Y_ZERO) + scaled, load<i32>(p, MIN), load<i32>(p, MAX)));
  }
}

export function taps_open_s8(p: usize): void {
  const row = elements(p) << 2;
  const gone = min(load<i32>(p, T_NEW_ROWS), load<i32>(p, T_ROWS)) * row;
  const kept = load<i32>(p, T_ROWS) * row - gone;
  const acc = load<i32>(p, T_ACC);
  move_s8(acc, acc + gone, kept);
  fill_s8(acc + kept, 0, gone);
}

/** Address of the record of left-edge row f of window n + ahead. */
// @ts-ignore: decorator
@inline
function record(p: usize, window: i32, f: i32): usize {
  const slot = window % load<i32>(p, T_RECORD_SLOTS);
  return load<i32>(p, T_RECORDS) + (slot * load<i32>(p, T_LEFT_ROWS) + f) * (elements(p) << 2);
}

export function taps_cut_s8(p: usize, phase: i32): void {
  const bytes = elements(p) << 2;
  const ahead = load<i32>(p, T_CUT_AHEAD);
  for (let f: i32 = 0; f < load<i32>(p, T_LEFT_ROWS); f++) {
    const acc = accumulators(p, f * load<i32>(p, T_STEP) + ahead * load<i32>(p, T_NEW_ROWS));
    if (acc) move_s8(record(p, phase + ahead, f), acc, bytes);
    else fill_s8(record(p, phase + ahead, f), 0, bytes);
  }
}

/** Records of rows that became complete in this hop turn from what lies before the window into what lies inside. */
function complete(p: usize, phase: i32): void {
  const news = load<i32>(p, T_NEW_ROWS);
  for (let ahead = load<i32>(p, T_COMPLETE_AHEAD); ahead <= load<i32>(p, T_CUT_AHEAD); ahead++) {
    for (let f: i32 = 0; f < load<i32>(p, T_LEFT_ROWS); f++) {
      const row = f * load<i32>(p, T_STEP) + ahead * news;
      if (row < load<i32>(p, T_FIRST) || row >= load<i32>(p, T_FIRST) + news) continue;
      const acc = accumulators(p, row);
      const to = record(p, phase + ahead, f);
      for (let e: i32 = 0; e < elements(p); e++) store<i32>(to + (e << 2), load<i32>(acc + (e << 2)) - load<i32>(to + (e << 2)));
    }
  }
}

export function taps_close_s8(p: usize, phase: i32): void {
  const row = elements(p);
  for (let r: i32 = 0; r < load<i32>(p, T_NEW_ROWS); r++) {
    requantise_row(p, accumulators(p, load<i32>(p, T_FIRST) + r), load<i32>(p, Y) + r * row);
  }
  for (let r: i32 = 0; r < load<i32>(p, T_RIGHT_ROWS); r++) {
    const at = load<i32>(p, T_RIGHT_FIRST) + r * load<i32>(p, T_STEP);
    requantise_row(p, accumulators(p, at), load<i32>(p, T_RIGHT) + r * row);
  }
  const left_rows = load<i32>(p, T_LEFT_ROWS);
  if (left_rows == 0) return;
  complete(p, phase);
  let to = load<i32>(p, T_LEFT);
  const slots = load<i32>(p, T_WAITING_SLOTS);
  if (slots) {
    // window n + T_AHEAD leaves the slot that window n + T_COMPLETE_AHEAD takes
    const slot = load<i32>(p, T_WAITING) + ((phase + load<i32>(p, T_AHEAD)) % slots) * left_rows * row;
    move_s8(to, slot, left_rows * row);
    to = slot;
  }
  for (let f: i32 = 0; f < left_rows; f++) requantise_row(p, record(p, phase + load<i32>(p, T_COMPLETE_AHEAD), f), to + f * row);
}
