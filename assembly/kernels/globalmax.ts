/**
 * globalmax: the largest value of each element over the window in int8, at once or as partial maxima per hop.
 *
 * In: X s8 [ROWS][X_ELEMENTS].  Out: Y s8 [COUNT]; element i of a row belongs to output i mod COUNT.
 * PARTIALS s8 [SLOTS][COUNT]: `accumulate` takes new rows into the current slot, `finish` takes the largest of all slots, `rotate` opens the
 * next one.  Exact in any order: quant/ops/globalmax.ts.
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
  G_MAX,
  G_MIN,
  PARTIALS,
  ROWS,
  SLOT,
  SLOTS,
  X,
  X_ELEMENTS,
  Y,
} from "./block";
import { clamp, first_row } from "./fixed-point";
import { fill_s8, move_s8 } from "./move";

function take(p: usize, to: usize): void {
  const count = load<i32>(p, COUNT);
  const n = load<i32>(p, ROWS) * load<i32>(p, X_ELEMENTS);
  for (let i: i32 = 0; i < n; i++) {
    const at = to + (i % count);
    store<i8>(at, max(<i32>load<i8>(at), <i32>load<i8>(load<i32>(p, X) + i)));
  }
}

function limit(p: usize): void {
  const y = load<i32>(p, Y);
  for (let i: i32 = 0; i < load<i32>(p, COUNT); i++) {
    store<i8>(y + i, clamp(<i32>load<i8>(y + i), load<i32>(p, G_MIN), load<i32>(p, G_MAX)));
  }
}

export function globalmax_s8(p: usize): void {
  const y = load<i32>(p, Y);
  fill_s8(y, -128, load<i32>(p, COUNT));
  take(p, y);
  limit(p);
}

export function globalmax_accumulate_s8(p: usize): void {
  take(p, load<i32>(p, PARTIALS) + load<i32>(load<i32>(p, SLOT)) * load<i32>(p, COUNT));
}

export function globalmax_finish_s8(p: usize): void {
  const count = load<i32>(p, COUNT);
  for (let i: i32 = 0; i < count; i++) {
    let best = -128;
    for (let s: i32 = 0; s < load<i32>(p, SLOTS); s++) best = max(best, <i32>load<i8>(load<i32>(p, PARTIALS) + s * count + i));
    store<i8>(load<i32>(p, Y) + i, best);
  }
  limit(p);
}

export function globalmax_rotate_s8(p: usize): void {
  const slot = load<i32>(p, SLOT);
  const next = (load<i32>(slot) + 1) % load<i32>(p, SLOTS);
  store<i32>(slot, next);
  fill_s8(load<i32>(p, PARTIALS) + next * load<i32>(p, COUNT), -128, load<i32>(p, COUNT));
}

/** Largest of element i of `rows` rows, `pitch` bytes apart, into `to`. */
function take_rows(to: usize, x: usize, rows: i32, pitch: i32, row: i32, count: i32): void {
  for (let r: i32 = 0; r < rows; r++) {
    for (let j: i32 = 0; j < row; j++) {
      const at = to + (j % count);
      store<i8>(at, max(<i32>load<i8>(at), <i32>load<i8>(x + r * pitch + j)));
    }
  }
}

export function globalmax_fold_s8(p: usize, phase: i32): void {
  const count = load<i32>(p, COUNT);
  const row = load<i32>(p, F_ROW);
  const step = load<i32>(p, F_STEP);
  const news = load<i32>(p, F_NEW_ROWS);
  const newest = load<i32>(p, F_NEWEST);
  const slots = load<i32>(p, F_SLOTS);
  for (let j: i32 = 0; j < slots; j++) {
    const slot = load<i32>(p, F_QUEUE) + ((phase + j) % slots) * count;
    const last = newest - j * news; // newest row, from the start of window n + j
    for (let f = first_row(last + 1 - news, step); f * step <= last; f++) {
      take_rows(slot, load<i32>(p, F_NEW) + (f * step - (last + 1 - news)) * row, 1, 0, row, count);
    }
  }
  const slot = load<i32>(p, F_QUEUE) + (phase % slots) * count;
  take_rows(slot, load<i32>(p, F_RIGHT), load<i32>(p, F_RIGHT_ROWS), row, row, count);
  move_s8(load<i32>(p, Y), slot, count);
  limit(p);
  fill_s8(slot, -128, count);
  take_rows(slot, load<i32>(p, F_LEFT), load<i32>(p, F_LEFT_ROWS), row, row, count);
  take_rows(slot, load<i32>(p, F_OPEN), load<i32>(p, F_OPEN_ROWS), row * step, row, count);
}
