/**
 * globalavg: the average of each element over the window in int8, at once or from partial sums per hop.
 *
 * In: x s8 [rows][x_elements].  Out: y s8 [count]; element i of a row belongs to output i mod count. partials
 * i32 [slots][count]: `accumulate` adds new rows to the current slot, `finish` averages all slots, `rotate`
 * opens the next one. Sums of int8 in int32 are exact in any order: quant/ops/globalavg.ts. Functions of T,
 * the type of rows, are shared with global-s16.ts. `fold` (edge-exact): `totals` are running totals of all
 * interior rows of a phase. An accumulator starts at minus the total and adds the total when it closes; that
 * is exact modulo 2^32, however large totals become.  `ring` (stream): the sum of the window's rows; a new
 * row replaces the oldest one.  `parts` (edge-exact, also for avgpool): a total per part of the window and
 * phase (parts.ts).
 */
import { rounded_mean } from "./avgpool";
import { clamp, requantise } from "./fixed-point";
import { GlobalBlock, GlobalFoldBlock } from "./global";
import { fill_s8, move_s8 } from "./move";
import { PART_BYTES, PartBlock, PartsBlock, RingBlock, due_total, ring_row, total_of } from "./parts";
import { add_row, add_rows } from "./rows";

export function average(p: GlobalBlock, sum: i32): i32 {
  const value = p.rule ? p.y_zero + requantise(sum - p.offset, p.mult, p.shift) : rounded_mean(sum, p.places);
  return clamp(value, p.min, p.max);
}

export function globalavg_s8(p: GlobalBlock): void {
  const count = p.count;
  const n = p.rows * p.x_elements;
  for (let i: i32 = 0; i < count; i++) {
    let sum = 0;
    for (let j = i; j < n; j += count) sum += <i32>load<i8>(p.x + j);
    store<i8>(p.y + i, average(p, sum));
  }
}

export function globalavg_accumulate_s8(p: GlobalBlock): void {
  const count = p.count;
  const slot = p.partials + load<i32>(p.slot) * (count << 2);
  add_row<i8>(slot, p.x, p.rows * p.x_elements, count, 1);
}

export function globalavg_finish_s8(p: GlobalBlock): void {
  const count = p.count;
  for (let i: i32 = 0; i < count; i++) {
    let sum = 0;
    for (let s: i32 = 0; s < p.slots; s++) sum += load<i32>(p.partials + ((s * count + i) << 2));
    store<i8>(p.y + i, average(p, sum));
  }
}

export function globalavg_rotate_s8(p: GlobalBlock): void {
  const slot = p.slot;
  const next = (load<i32>(slot) + 1) % p.slots;
  store<i32>(slot, next);
  fill_s8(p.partials + next * (p.count << 2), 0, p.count << 2);
}

/**
 * Adds the new rows to the running totals, and the right edge to the accumulator that is due. Returns the
 * address of that accumulator.
 */
export function fold_totals<T>(p: GlobalFoldBlock, phase: i32, own: i32): usize {
  const count = p.count;
  const row = p.row;
  const step = p.step;
  const news = p.new_rows;
  const totals = p.totals;
  for (let r: i32 = 0; r < news; r++) {
    const at = totals + total_of(own, p.newest, news, step, r) * (count << 2);
    add_row<T>(at, p.new_at + r * row * <i32>sizeof<T>(), row, count, 1);
  }
  const slot = p.queue + (phase % p.waiting) * (count << 2);
  add_rows<T>(slot, p.right, p.right_rows, row, row, count);
  return slot;
}

/** Adds the rows that an opening window has already: its left edge, and rows of the stream. */
export function fold_opened<T>(p: GlobalFoldBlock, slot: usize): void {
  const count = p.count;
  const row = p.row;
  add_rows<T>(slot, p.left, p.left_rows, row, row, count);
  add_rows<T>(slot, p.open, p.open_rows, row * p.step, row, count);
}

/**
 * Returns which totals are those of window n + ahead. A row of the stream belongs to windows whose start is a
 * multiple of `step` rows away from it.
 */
// @ts-ignore: decorator
@inline
export function fold_phase(p: GlobalFoldBlock, phase: i32, ahead: i32): i32 {
  const step = p.step;
  return (((phase + ahead) % step) * p.new_rows) % step;
}

export function globalavg_fold_s8(p: GlobalFoldBlock, phase: i32): void {
  const count = p.count;
  const totals = p.totals;
  const own = fold_phase(p, phase, 0);
  const opens = fold_phase(p, phase, p.waiting);
  const slot = fold_totals<i8>(p, phase, own);
  for (let i: i32 = 0; i < count; i++) {
    const at = slot + (i << 2);
    store<i8>(p.y + i, average(p, load<i32>(at) + load<i32>(totals + ((own * count + i) << 2))));
    store<i32>(at, -load<i32>(totals + ((opens * count + i) << 2)));
  }
  fold_opened<i8>(p, slot);
}

/** Replaces the oldest rows of the window by the new ones. Returns the address of the window's totals. */
// @ts-ignore: decorator
@inline
export function ring_totals<T>(p: GlobalFoldBlock, phase: i32, count: i32): usize {
  const row = p.row;
  const news = p.new_rows;
  const slots = p.waiting;
  const total = p.totals;
  let at = ((phase % slots) * news) % slots;
  for (let r: i32 = 0; r < news; r++) {
    const x = p.new_at + r * row * <i32>sizeof<T>();
    const old = p.queue + at * row * <i32>sizeof<T>();
    add_row<T>(total, x, row, count, 1);
    add_row<T>(total, old, row, count, -1);
    move_s8(old, x, row * <i32>sizeof<T>());
    at = at + 1 == slots ? 0 : at + 1;
  }
  return total;
}

export function globalavg_ring_s8(p: GlobalFoldBlock, phase: i32): void {
  const count = p.count;
  const total = ring_totals<i8>(p, phase, count);
  for (let i: i32 = 0; i < count; i++) store<i8>(p.y + i, average(p, load<i32>(total + (i << 2))));
}

/** Returns the sum of element i of rows s8 [rows][row], folded onto `count` elements. */
// @ts-ignore: decorator
@inline
function sum_of(x: usize, rows: i32, row: i32, count: i32, i: i32): i32 {
  let sum = 0;
  for (; i < rows * row; i += count) sum += <i32>load<i8>(x + i);
  return sum;
}

/** Moves each part by the new rows, then writes its average: one row of y per part. */
export function globalavg_parts_s8(p: PartsBlock, phase: i32): void {
  const ring = changetype<RingBlock>(p.ring);
  const own = changetype<GlobalBlock>(p.own);
  const count = own.count;
  const row = ring.row;
  const step = ring.step;
  const news = ring.new_rows;
  const due = due_total(ring, phase);
  let totals = p.totals;
  let y = own.y;
  for (let i: i32 = 0; i < p.part_count; i++) {
    const part = changetype<PartBlock>(p.parts + i * PART_BYTES);
    for (let r = part.rows ? 0 : news; r < news; r++) {
      const total = totals + total_of(due, p.newest, news, step, r) * (count << 2);
      const back = news - 1 - r;
      add_row<i8>(total, ring_row(ring, part, back + part.enters), row, count, 1);
      add_row<i8>(total, ring_row(ring, part, back + part.leaves), row, count, -1);
    }
    const total = totals + due * (count << 2);
    const left = p.left + part.left_row * row;
    const right = p.right + part.right_row * row;
    for (let j: i32 = 0; j < count; j++) {
      const edges = sum_of(left, part.left_rows, row, count, j) + sum_of(right, part.right_rows, row, count, j);
      store<i8>(y++, average(own, load<i32>(total + (j << 2)) + edges));
    }
    totals += step * (count << 2);
  }
}
