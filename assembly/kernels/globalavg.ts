/**
 * globalavg: the average of each element over the window in int8, at once or from partial sums per hop.
 *
 * In: X s8 [ROWS][X_ELEMENTS].  Out: Y s8 [COUNT]; element i of a row belongs to output i mod COUNT.
 * PARTIALS i32 [SLOTS][COUNT]: `accumulate` adds new rows to the current slot, `finish` averages all slots, `rotate` opens the next one.
 * Sums of int8 in int32 are exact in any order: quant/ops/globalavg.ts. Functions of T, the type of rows, are shared with global-s16.ts.
 * `fold` (edge-exact): TOTALS are running totals of all interior rows of a phase; an accumulator opens minus the total and closes plus it,
 * exact modulo 2^32, whatever the totals have grown to.  `ring` (stream): the sum of the window's rows; a new row takes the oldest one's place.
 */
import {
  COUNT,
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
  F_TOTALS,
  G_COUNT,
  G_MAX,
  G_MIN,
  G_MULT,
  G_OFFSET,
  G_RULE,
  G_SHIFT,
  G_Y_ZERO,
  PARTIALS,
  ROWS,
  SLOT,
  SLOTS,
  X,
  X_ELEMENTS,
  Y,
} from "./block";
import { rounded_mean } from "./avgpool";
import { clamp, requantise } from "./fixed-point";
import { fill_s8, move_s8 } from "./move";
import { add_row, add_rows } from "./rows";

export function average(p: usize, sum: i32): i32 {
  const value = load<i32>(p, G_RULE)
    ? load<i32>(p, G_Y_ZERO) + requantise(sum - load<i32>(p, G_OFFSET), load<i32>(p, G_MULT), load<i32>(p, G_SHIFT))
    : rounded_mean(sum, load<i32>(p, G_COUNT));
  return clamp(value, load<i32>(p, G_MIN), load<i32>(p, G_MAX));
}

export function globalavg_s8(p: usize): void {
  const count = load<i32>(p, COUNT);
  const n = load<i32>(p, ROWS) * load<i32>(p, X_ELEMENTS);
  for (let i: i32 = 0; i < count; i++) {
    let sum = 0;
    for (let j = i; j < n; j += count) sum += <i32>load<i8>(load<i32>(p, X) + j);
    store<i8>(load<i32>(p, Y) + i, average(p, sum));
  }
}

export function globalavg_accumulate_s8(p: usize): void {
  const count = load<i32>(p, COUNT);
  const slot = load<i32>(p, PARTIALS) + load<i32>(load<i32>(p, SLOT)) * (count << 2);
  add_row<i8>(slot, load<i32>(p, X), load<i32>(p, ROWS) * load<i32>(p, X_ELEMENTS), count, 1);
}

export function globalavg_finish_s8(p: usize): void {
  const count = load<i32>(p, COUNT);
  for (let i: i32 = 0; i < count; i++) {
    let sum = 0;
    for (let s: i32 = 0; s < load<i32>(p, SLOTS); s++) sum += load<i32>(load<i32>(p, PARTIALS) + ((s * count + i) << 2));
    store<i8>(load<i32>(p, Y) + i, average(p, sum));
  }
}

export function globalavg_rotate_s8(p: usize): void {
  const slot = load<i32>(p, SLOT);
  const next = (load<i32>(slot) + 1) % load<i32>(p, SLOTS);
  store<i32>(slot, next);
  fill_s8(load<i32>(p, PARTIALS) + next * (load<i32>(p, COUNT) << 2), 0, load<i32>(p, COUNT) << 2);
}

/** Adds the new rows to the running totals, and the right edge to the accumulator that is due; returns its address. */
export function fold_totals<T>(p: usize, phase: i32, own: i32): usize {
  const count = load<i32>(p, COUNT);
  const row = load<i32>(p, F_ROW);
  const step = load<i32>(p, F_STEP);
  const news = load<i32>(p, F_NEW_ROWS);
  const totals = load<i32>(p, F_TOTALS);
  for (let r: i32 = 0; r < news; r++) {
    const at = totals + ((own + load<i32>(p, F_NEWEST) + 1 - news + r + step * news) % step) * (count << 2);
    add_row<T>(at, load<i32>(p, F_NEW) + r * row * <i32>sizeof<T>(), row, count, 1);
  }
  const slot = load<i32>(p, F_QUEUE) + (phase % load<i32>(p, F_SLOTS)) * (count << 2);
  add_rows<T>(slot, load<i32>(p, F_RIGHT), load<i32>(p, F_RIGHT_ROWS), row, row, count);
  return slot;
}

/** Adds what a window that opens has already: its left edge, and rows of the stream that are there. */
export function fold_opened<T>(p: usize, slot: usize): void {
  const count = load<i32>(p, COUNT);
  const row = load<i32>(p, F_ROW);
  add_rows<T>(slot, load<i32>(p, F_LEFT), load<i32>(p, F_LEFT_ROWS), row, row, count);
  add_rows<T>(slot, load<i32>(p, F_OPEN), load<i32>(p, F_OPEN_ROWS), row * load<i32>(p, F_STEP), row, count);
}

/** A row of the stream belongs to the windows whose start lies a multiple of F_STEP rows from it: which of the totals are those of window n + ahead. */
// @ts-ignore: decorator
@inline
export function fold_phase(p: usize, phase: i32, ahead: i32): i32 {
  const step = load<i32>(p, F_STEP);
  return (((phase + ahead) % step) * load<i32>(p, F_NEW_ROWS)) % step;
}

export function globalavg_fold_s8(p: usize, phase: i32): void {
  const count = load<i32>(p, COUNT);
  const totals = load<i32>(p, F_TOTALS);
  const own = fold_phase(p, phase, 0);
  const opens = fold_phase(p, phase, load<i32>(p, F_SLOTS));
  const slot = fold_totals<i8>(p, phase, own);
  for (let i: i32 = 0; i < count; i++) {
    const at = slot + (i << 2);
    store<i8>(load<i32>(p, Y) + i, average(p, load<i32>(at) + load<i32>(totals + ((own * count + i) << 2))));
    store<i32>(at, -load<i32>(totals + ((opens * count + i) << 2)));
  }
  fold_opened<i8>(p, slot);
}

/** The totals of the window's rows, after the new ones took the oldest ones' places. */
// @ts-ignore: decorator
@inline
export function ring_totals<T>(p: usize, phase: i32, count: i32): usize {
  const row = load<i32>(p, F_ROW);
  const news = load<i32>(p, F_NEW_ROWS);
  const slots = load<i32>(p, F_SLOTS);
  const total = load<i32>(p, F_TOTALS);
  let at = ((phase % slots) * news) % slots;
  for (let r: i32 = 0; r < news; r++) {
    const x = load<i32>(p, F_NEW) + r * row * <i32>sizeof<T>();
    const old = load<i32>(p, F_QUEUE) + at * row * <i32>sizeof<T>();
    add_row<T>(total, x, row, count, 1);
    add_row<T>(total, old, row, count, -1);
    move_s8(old, x, row * <i32>sizeof<T>());
    at = at + 1 == slots ? 0 : at + 1;
  }
  return total;
}

export function globalavg_ring_s8(p: usize, phase: i32): void {
  const count = load<i32>(p, COUNT);
  const total = ring_totals<i8>(p, phase, count);
  for (let i: i32 = 0; i < count; i++) store<i8>(load<i32>(p, Y) + i, average(p, load<i32>(total + (i << 2))));
}
