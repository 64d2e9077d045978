/**
 * globalmax: the largest value of each element over the window in int8, at once or as partial maxima per hop.
 *
 * In: x s8 [rows][x_elements].  Out: y s8 [count]; element i of a row belongs to output i mod count. partials
 * s8 [slots][count]: `accumulate` merges new rows into the current slot, `finish` takes the largest of all
 * slots, `rotate` opens the next one.  Exact in any order: quant/ops/globalmax.ts.
 */
import { clamp, first_row } from "./fixed-point";
import { GlobalBlock, GlobalFoldBlock } from "./global";
import { fill_s8, move_s8 } from "./move";

/** Merges `rows` rows, `pitch` bytes apart, into the maxima at `to`. */
function take_rows(to: usize, x: usize, rows: i32, pitch: i32, row: i32, count: i32): void {
  for (let r: i32 = 0; r < rows; r++) {
    for (let j: i32 = 0; j < row; j++) {
      const at = to + (j % count);
      store<i8>(at, max(<i32>load<i8>(at), <i32>load<i8>(x + r * pitch + j)));
    }
  }
}

function take(p: GlobalBlock, to: usize): void {
  const row = p.x_elements;
  take_rows(to, p.x, p.rows, row, row, p.count);
}

function limit(p: GlobalBlock): void {
  const y = p.y;
  for (let i: i32 = 0; i < p.count; i++) {
    store<i8>(y + i, clamp(<i32>load<i8>(y + i), p.min, p.max));
  }
}

export function globalmax_s8(p: GlobalBlock): void {
  const y = p.y;
  fill_s8(y, -128, p.count);
  take(p, y);
  limit(p);
}

export function globalmax_accumulate_s8(p: GlobalBlock): void {
  take(p, p.partials + load<i32>(p.slot) * p.count);
}

export function globalmax_finish_s8(p: GlobalBlock): void {
  const count = p.count;
  for (let i: i32 = 0; i < count; i++) {
    let best = -128;
    for (let s: i32 = 0; s < p.slots; s++) best = max(best, <i32>load<i8>(p.partials + s * count + i));
    store<i8>(p.y + i, best);
  }
  limit(p);
}

export function globalmax_rotate_s8(p: GlobalBlock): void {
  const slot = p.slot;
  const next = (load<i32>(slot) + 1) % p.slots;
  store<i32>(slot, next);
  fill_s8(p.partials + next * p.count, -128, p.count);
}

export function globalmax_fold_s8(p: GlobalFoldBlock, phase: i32): void {
  const count = p.count;
  const row = p.row;
  const step = p.step;
  const news = p.new_rows;
  const newest = p.newest;
  const slots = p.waiting;
  for (let j: i32 = 0; j < slots; j++) {
    const slot = p.queue + ((phase + j) % slots) * count;
    const last = newest - j * news; // newest row, from the start of window n + j
    for (let f = first_row(last + 1 - news, step); f * step <= last; f++) {
      take_rows(slot, p.new_at + (f * step - (last + 1 - news)) * row, 1, 0, row, count);
    }
  }
  const slot = p.queue + (phase % slots) * count;
  take_rows(slot, p.right, p.right_rows, row, row, count);
  move_s8(p.y, slot, count);
  limit(p);
  fill_s8(slot, -128, count);
  take_rows(slot, p.left, p.left_rows, row, row, count);
  take_rows(slot, p.open, p.open_rows, row * step, row, count);
}

/** Computes to = max(to, x). */
function join(to: usize, x: usize, count: i32): void {
  for (let i: i32 = 0; i < count; i++) store<i8>(to + i, max(<i32>load<i8>(to + i), <i32>load<i8>(x + i)));
}

/**
 * Computes a window's maximum from the maxima of its hops (stream; van Herk 1992). A cycle has `waiting`
 * hops. The hop of slot k opens a window, and the slot keeps two maxima: that of the window's first
 * `open_rows` rows, and that of the whole hop if it differs. At the end of a cycle each slot becomes the
 * maximum of all rows from its window's start on; `totals` holds the maximum of the hops since then.
 * Amortised cost per hop: its rows and three maxima.
 */
export function globalmax_slide_s8(p: GlobalFoldBlock, phase: i32): void {
  const count = p.count;
  const row = p.row;
  const slots = p.waiting;
  const news = p.new_rows;
  const opens = p.open_rows;
  const front = p.totals;
  const ragged = opens < news ? count : 0; // bytes from the maximum of the opening rows to that of the whole hop
  const slot = p.queue + (phase % slots) * (count + ragged);
  const y = p.y;
  take_rows(front, p.new_at, news, row, row, count);
  move_s8(y, slot, count);
  join(y, front, count);
  limit(p);
  fill_s8(slot, -128, count + ragged);
  take_rows(slot, p.new_at + (news - opens) * row, opens, row, row, count);
  if (ragged) take_rows(slot + ragged, p.new_at, news, row, row, count);
  if ((phase + 1) % slots != 0) return;
  fill_s8(front, -128, count);
  for (let k = slots - 1; k >= 0; k--) {
    const at = p.queue + k * (count + ragged);
    for (let i: i32 = 0; i < count; i++) {
      const later = <i32>load<i8>(front + i);
      store<i8>(front + i, max(later, <i32>load<i8>(at + ragged + i)));
      store<i8>(at + i, max(later, <i32>load<i8>(at + i)));
    }
  }
  fill_s8(front, -128, count);
}
