/**
 * dense: fully connected over a whole window in int8.
 *
 * In: X s8 [PER].  Out: Y s8 [Y_C].  acc = bias + sum w[u][i] * (x[i] - x_zero).  Exact: quant/ops/dense.ts.
 */
import {
  BIAS,
  F_LEFT,
  F_LEFT_ROWS,
  F_NEW,
  F_NEW_ROWS,
  F_NEWEST,
  F_OPEN,
  F_OPEN_ROWS,
  F_QUEUE,
  F_RIGHT,
  F_RIGHT_ROWS,
  F_ROW,
  F_SLOTS,
  F_STEP,
  MAX,
  MIN,
  MULTIPLIER,
  PER,
  SHIFT,
  WEIGHTS,
  X,
  X_ZERO,
  Y,
  Y_C,
  Y_ZERO,
} from "./block";
import { dot_s8 } from "./conv";
import { clamp, first_row, rescale } from "./fixed-point";

// @ts-ignore: decorator
@inline
function finish(p: usize, u: i32, acc: i32): void {
  const m = load<i32>(load<i32>(p, MULTIPLIER) + (u << 2));
  const s = <i32>load<i8>(load<i32>(p, SHIFT) + u);
  store<i8>(load<i32>(p, Y) + u, clamp(load<i32>(p, Y_ZERO) + rescale(acc, m, s), load<i32>(p, MIN), load<i32>(p, MAX)));
}

export function dense_s8(p: usize): void {
  const n = load<i32>(p, PER);
  for (let u: i32 = 0; u < load<i32>(p, Y_C); u++) {
    const w = load<i32>(p, WEIGHTS) + u * n;
    finish(p, u, load<i32>(load<i32>(p, BIAS) + (u << 2)) + dot_s8(load<i32>(p, X), w, n, load<i32>(p, X_ZERO)));
  }
}

/** Adds rows first to first + rows - 1 of a window to the accumulators of all units; the rows lie `pitch` bytes apart. */
function add_rows(p: usize, to: usize, x: usize, first: i32, rows: i32, pitch: i32): void {
  const n = load<i32>(p, PER);
  const row = load<i32>(p, F_ROW);
  const zero = load<i32>(p, X_ZERO);
  for (let u: i32 = 0; u < load<i32>(p, Y_C); u++) {
    const w = load<i32>(p, WEIGHTS) + u * n + first * row;
    let acc = load<i32>(to + (u << 2));
    for (let r: i32 = 0; r < rows; r++) acc += dot_s8(x + r * pitch, w + r * row, row, zero);
    store<i32>(to + (u << 2), acc);
  }
}

/** Accumulators i32 [F_SLOTS][Y_C] of waiting windows (edge-exact): every row of a window enters its accumulator once. */
export function dense_fold_s8(p: usize, phase: i32): void {
  const units = load<i32>(p, Y_C);
  const row = load<i32>(p, F_ROW);
  const step = load<i32>(p, F_STEP);
  const news = load<i32>(p, F_NEW_ROWS);
  const newest = load<i32>(p, F_NEWEST);
  const slots = load<i32>(p, F_SLOTS);
  const left_rows = load<i32>(p, F_LEFT_ROWS);
  for (let j: i32 = 0; j < slots; j++) {
    const slot = load<i32>(p, F_QUEUE) + ((phase + j) % slots) * (units << 2);
    const last = newest - j * news; // newest row, from the start of window n + j
    const first = first_row(last + 1 - news, step);
    const rows = last < first * step ? 0 : (last - first * step) / step + 1;
    add_rows(p, slot, load<i32>(p, F_NEW) + (first * step - (last + 1 - news)) * row, first, rows, row * step);
  }
  const slot = load<i32>(p, F_QUEUE) + (phase % slots) * (units << 2);
  const right = newest / step + 1;
  add_rows(p, slot, load<i32>(p, F_RIGHT), right, load<i32>(p, F_RIGHT_ROWS), row);
  for (let u: i32 = 0; u < units; u++) {
    finish(p, u, load<i32>(slot + (u << 2)));
    store<i32>(slot + (u << 2), load<i32>(load<i32>(p, BIAS) + (u << 2)));
  }
  add_rows(p, slot, load<i32>(p, F_LEFT), 0, left_rows, row);
  add_rows(p, slot, load<i32>(p, F_OPEN), left_rows, load<i32>(p, F_OPEN_ROWS), row * step);
}
