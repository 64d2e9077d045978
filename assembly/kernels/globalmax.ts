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
  F_TOTALS,
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

/** Largest of element i of `rows` rows, `pitch` bytes apart, into `to`. */
function take_rows(to: usize, x: usize, rows: i32, pitch: i32, row: i32, count: i32): void {
  for (let r: i32 = 0; r < rows; r++) {
    for (let j: i32 = 0; j < row; j++) {
      const at = to + (j % count);
      store<i8>(at, max(<i32>load<i8>(at), <i32>load<i8>(x + r * pitch + j)));
    }
  }
}

function take(p: usize, to: usize): void {
  const row = load<i32>(p, X_ELEMENTS);
  take_rows(to, load<i32>(p, X), load<i32>(p, ROWS), row, row, load<i32>(p, COUNT));
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

/** to = max(to, x) */
function join(to: usize, x: usize, count: i32): void {
  for (let i: i32 = 0; i < count; i++) store<i8>(to + i, max(<i32>load<i8>(to + i), <i32>load<i8>(x + i)));
}

/**
 * A window's maximum from the maxima of its hops (stream; van Herk 1992). Slot k of a cycle of F_SLOTS hops takes what opens a window: the
 * maximum of its first F_OPEN_ROWS rows, and of the whole hop where that is another. At the end of a cycle each slot becomes the maximum of
 * all from its window's start on; F_TOTALS holds the maximum of the hops since then. Amortised cost per hop: its rows and three maxima.
 */
export function globalmax_slide_s8(p: usize, phase: i32): void {
  const count = load<i32>(p, COUNT);
  const row = load<i32>(p, F_ROW);
  const slots = load<i32>(p, F_SLOTS);
  const news = load<i32>(p, F_NEW_ROWS);
  const opens = load<i32>(p, F_OPEN_ROWS);
  const front = load<i32>(p, F_TOTALS);
  const ragged = opens < news ? count : 0; // bytes from the opening part to the whole hop
  const slot = load<i32>(p, F_QUEUE) + (phase % slots) * (count + ragged);
  const y = load<i32>(p, Y);
  take_rows(front, load<i32>(p, F_NEW), news, row, row, count);
  move_s8(y, slot, count);
  join(y, front, count);
  limit(p);
  fill_s8(slot, -128, count + ragged);
  take_rows(slot, load<i32>(p, F_NEW) + (news - opens) * row, opens, row, row, count);
  if (ragged) take_rows(slot + ragged, load<i32>(p, F_NEW), news, row, row, count);
  if ((phase + 1) % slots != 0) return;
  fill_s8(front, -128, count);
  for (let k = slots - 1; k >= 0; k--) {
    const at = load<i32>(p, F_QUEUE) + k * (count + ragged);
    for (let i: i32 = 0; i < count; i++) {
      const later = <i32>load<i8>(front + i);
      store<i8>(front + i, max(later, <i32>load<i8>(at + ragged + i)));
      store<i8>(at + i, max(later, <i32>load<i8>(at + i)));
    }
  }
  fill_s8(front, -128, count);
}
