/**
 * A ring of interior rows in int8 that all folds over parts of a window share (edge-exact), and the maxima of
 * parts.
 *
 * In: new rows s8 [new_rows][row].  Level 0 of the ring holds rows of the stream, level k the maximum of the
 * last 2^k rows of a phase, up to each row.  Out (globalmax_parts): y s8 [part_count][count]; element i of a
 * row belongs to output i mod count.  Exact in any order. Planned by models/stream/edge/parts.ts.
 */
import { clamp } from "./fixed-point";
import { GlobalBlock } from "./global";
import { fill_s8, move_s8 } from "./move";


@unmanaged
export class RingBlock {
  new_at: usize; // address of the first new row
  new_rows: i32; // rows of the stream per hop
  row: i32; // elements of a row
  step: i32; // rows of the stream between two rows of a window
  ring: usize; // address of the levels, one after the other
  slots: usize; // i32 [levels]: rows of each level
  newest: usize; // i32 [levels]: slot of the newest row of each level
  levels: i32;
}


@unmanaged
export class PartsBlock {
  ring: usize; // address of the RingBlock
  own: usize; // address of the block that finishes the results
  newest: i32; // number of the newest row, from the start of window n
  parts: usize; // PartBlock [part_count]
  part_count: i32;
  totals: usize; // sum of each part and phase: [part_count][step][count]
  left: usize; // address of row 0 of the window's left edge
  right: usize; // address of the first row of its right edge
}

/** A part of the window. Numbers of rows are counted back from the newest row. */
@unmanaged
export class PartBlock {
  rows: i32; // rows of the ring that are read: 0 if all rows touch an edge, else 2
  level: i32;
  first: i32; // rows of the ring before that level
  enters: i32; // row that enters a sum, or of a maximum
  leaves: i32; // row that leaves a sum, or the second one of a maximum
  left_row: i32; // first row in the left edge, and their number
  left_rows: i32;
  right_row: i32; // the same in the right edge
  right_rows: i32;
}

/** Bytes of a PartBlock. */
export const PART_BYTES = 36;

/** Returns the slot of the row that is `back` rows of the stream before the one in slot `newest`. */
// @ts-ignore: decorator
@inline
function slot_before(newest: i32, back: i32, slots: i32): i32 {
  const slot = newest - back;
  return slot < 0 ? slot + slots : slot;
}

/** Returns the address of the row of a part's level that is `back` rows of the stream before the newest. */
export function ring_row(p: RingBlock, part: PartBlock, back: i32): usize {
  const level = part.level << 2;
  const slot = slot_before(load<i32>(p.newest + level), back, load<i32>(p.slots + level));
  return p.ring + (part.first + slot) * p.row;
}

/**
 * Returns the number of the totals that take new row r: a row of the stream belongs to windows whose start is
 * a multiple of `step` rows away from it. `own`: the totals of the window that is due.
 */
// @ts-ignore: decorator
@inline
export function total_of(own: i32, newest: i32, news: i32, step: i32, r: i32): i32 {
  return (own + newest + 1 - news + r + step * news) % step;
}

/** Returns the number of the totals of the window that is due. */
export function due_total(p: RingBlock, phase: i32): i32 {
  return ((phase % p.step) * p.new_rows) % p.step;
}

const HIGH: i64 = <i64>0x8080808080808080;

/** Writes the larger of each of eight bytes. */
// @ts-ignore: decorator
@inline
function larger_eight(to: usize, x: usize, y: usize): void {
  const a = load<i64>(x, 0, 1); // at any address
  const b = load<i64>(y, 0, 1);
  const differ = a ^ b;
  // the high bit of each byte: whether a's lower seven bits are at least b's; no byte borrows from the next
  const low = (a | HIGH) - (b & ~HIGH);
  // if the signs are equal that decides, else the sign of b
  const wins = ((low & ~differ) | (b & differ)) & HIGH;
  const mask = (wins - (wins >>> 7)) | wins;
  store<i64>(to, b ^ (differ & mask), 0, 1);
}

/** Writes to[i] = max(a[i], b[i]). From eight bytes on, the last eight may be written twice. */
function larger(to: usize, a: usize, b: usize, n: i32): void {
  let i: i32 = 0;
  if (n < 8) {
    for (; i < n; i++) store<i8>(to + i, max(<i32>load<i8>(a + i), <i32>load<i8>(b + i)));
    return;
  }
  if (ASC_FEATURE_SIMD) {
    for (; i + 16 <= n; i += 16) v128.store(to + i, i8x16.max_s(v128.load(a + i), v128.load(b + i)));
    if (i == n) return;
  }
  const last = n - 8;
  for (; i < last; i += 8) larger_eight(to + i, a + i, b + i);
  larger_eight(to + last, a + last, b + last);
}

/** Adds the new rows to all levels. */
export function parts_ring_s8(p: RingBlock): void {
  const row = p.row;
  let x = p.new_at;
  for (let r: i32 = 0; r < p.new_rows; r++) {
    let rows = p.ring;
    let a = x;
    let b = x;
    let lengths = p.slots;
    let at = p.newest;
    for (let k: i32 = 0; k < p.levels; k++) {
      const slots = load<i32>(lengths);
      const next = load<i32>(at) + 1;
      const slot = next < slots ? next : 0;
      store<i32>(at, slot);
      const to = rows + slot * row;
      if (k == 0) move_s8(to, x, row);
      else larger(to, a, b, row);
      a = to;
      b = rows + slot_before(slot, p.step << k, slots) * row;
      rows += slots * row;
      lengths += 4;
      at += 4;
    }
    x += row;
  }
}

/** Merges rows into the maxima at `to`. */
function take_rows(to: usize, x: usize, rows: i32, row: i32, count: i32): void {
  for (; rows > 0; rows--) {
    for (let i: i32 = 0; i < row; i += count) larger(to, to, x + i, count);
    x += row;
  }
}

export function globalmax_parts_s8(p: PartsBlock): void {
  const ring = changetype<RingBlock>(p.ring);
  const own = changetype<GlobalBlock>(p.own);
  const count = own.count;
  const row = ring.row;
  let y = own.y;
  for (let i: i32 = 0; i < p.part_count; i++) {
    const part = changetype<PartBlock>(p.parts + i * PART_BYTES);
    fill_s8(y, -128, count);
    if (part.rows) {
      take_rows(y, ring_row(ring, part, part.enters), 1, row, count);
      take_rows(y, ring_row(ring, part, part.leaves), 1, row, count);
    }
    take_rows(y, p.left + part.left_row * row, part.left_rows, row, count);
    take_rows(y, p.right + part.right_row * row, part.right_rows, row, count);
    for (const end = y + count; y < end; y++) store<i8>(y, clamp(<i32>load<i8>(y), own.min, own.max));
  }
}
