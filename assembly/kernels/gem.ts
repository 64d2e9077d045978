/**
 * gem: the generalised mean of each element over the window in int8, at once or from partial sums per hop.
 *
 * In: x s8 [rows][x_elements].  Out: y s8 [count]; element i of a row belongs to output i mod count and to
 * channel i mod channels. Partial sums, totals and queue are as those of globalavg, with i64 sums of table
 * values. Byte 0 has value 0, so that rows before the stream add nothing.  Exact in any order:
 * quant/ops/gem.ts.
 */
import { GemBlock } from "./global";
import { fold_phase } from "./globalavg";
import { fill_s8, move_s8 } from "./move";
import { PART_BYTES, PartBlock, PartsBlock, RingBlock, due_total, ring_row, total_of } from "./parts";

/** Adds rows that lie `pitch` bytes apart to the sums at `to`, or subtracts them: `sign` is 1 or -1. */
function add_powers(p: GemBlock, to: usize, x: usize, rows: i32, pitch: i32, row: i32, sign: i64): void {
  const count = p.count;
  const channels = p.channels;
  for (let r: i32 = 0; r < rows; r++) {
    let i: i32 = 0;
    let c: i32 = 0;
    for (let j: i32 = 0; j < row; j++) {
      const at = to + (i << 3);
      const table = p.tables + ((<i32>load<u8>(p.groups + c)) << 11);
      store<i64>(at, load<i64>(at) + sign * load<i64>(table + ((<i32>load<i8>(x + j) + 128) << 3)));
      if (++i == count) i = 0;
      if (++c == channels) c = 0;
    }
    x += pitch;
  }
}

/** Writes output i: the number of bounds that the sum reaches. */
function write_root(p: GemBlock, i: i32, sum: i64): void {
  const roots = p.roots + <i32>load<u8>(p.groups + (i % p.channels)) * 2040;
  let y: i32 = 0;
  for (let step: i32 = 128; step > 0; step >>= 1) {
    if (sum >= load<i64>(roots + ((y + step - 1) << 3))) y += step;
  }
  store<i8>(p.y + i, y - 128);
}

export function gem_s8(p: GemBlock): void {
  const count = p.count;
  const row = p.x_elements;
  const sums = p.sums;
  fill_s8(sums, 0, count << 3);
  add_powers(p, sums, p.x, p.rows, row, row, 1);
  for (let i: i32 = 0; i < count; i++) write_root(p, i, load<i64>(sums + (i << 3)));
}

export function gem_accumulate_s8(p: GemBlock): void {
  const row = p.x_elements;
  add_powers(p, p.partials + load<i32>(p.slot) * (p.count << 3), p.x, p.rows, row, row, 1);
}

export function gem_finish_s8(p: GemBlock): void {
  const count = p.count;
  for (let i: i32 = 0; i < count; i++) {
    let sum: i64 = 0;
    for (let s: i32 = 0; s < p.slots; s++) sum += load<i64>(p.partials + ((s * count + i) << 3));
    write_root(p, i, sum);
  }
}

export function gem_rotate_s8(p: GemBlock): void {
  const slot = p.slot;
  const next = (load<i32>(slot) + 1) % p.slots;
  store<i32>(slot, next);
  fill_s8(p.partials + next * (p.count << 3), 0, p.count << 3);
}

export function gem_fold_s8(p: GemBlock, phase: i32): void {
  const count = p.count;
  const row = p.row;
  const step = p.step;
  const news = p.new_rows;
  const totals = p.totals;
  const own = fold_phase(p, phase, 0);
  for (let r: i32 = 0; r < news; r++) {
    add_powers(p, totals + total_of(own, p.newest, news, step, r) * (count << 3), p.new_at + r * row, 1, 0, row, 1);
  }
  const slot = p.queue + (phase % p.waiting) * (count << 3);
  add_powers(p, slot, p.right, p.right_rows, row, row, 1);
  const opens = fold_phase(p, phase, p.waiting);
  for (let i: i32 = 0; i < count; i++) {
    const at = slot + (i << 3);
    write_root(p, i, load<i64>(at) + load<i64>(totals + ((own * count + i) << 3)));
    store<i64>(at, -load<i64>(totals + ((opens * count + i) << 3)));
  }
  add_powers(p, slot, p.left, p.left_rows, row, row, 1);
  add_powers(p, slot, p.open, p.open_rows, row * step, row, 1);
}

export function gem_ring_s8(p: GemBlock, phase: i32): void {
  const row = p.row;
  const news = p.new_rows;
  const slots = p.waiting;
  const total = p.totals;
  const first = (phase % slots) * news;
  for (let r: i32 = 0; r < news; r++) {
    const x = p.new_at + r * row;
    const old = p.queue + ((first + r) % slots) * row;
    add_powers(p, total, x, 1, 0, row, 1);
    add_powers(p, total, old, 1, 0, row, -1);
    move_s8(old, x, row);
  }
  for (let i: i32 = 0; i < p.count; i++) write_root(p, i, load<i64>(total + (i << 3)));
}

/** As globalavg_parts_s8, with one part. */
export function gem_parts_s8(p: PartsBlock, phase: i32): void {
  const ring = changetype<RingBlock>(p.ring);
  const own = changetype<GemBlock>(p.own);
  const part = changetype<PartBlock>(p.parts);
  const count = own.count;
  const row = ring.row;
  const news = ring.new_rows;
  const due = due_total(ring, phase);
  for (let r = part.rows ? 0 : news; r < news; r++) {
    const total = p.totals + total_of(due, p.newest, news, ring.step, r) * (count << 3);
    const back = news - 1 - r;
    add_powers(own, total, ring_row(ring, part, back + part.enters), 1, 0, row, 1);
    add_powers(own, total, ring_row(ring, part, back + part.leaves), 1, 0, row, -1);
  }
  const sums = own.sums;
  move_s8(sums, p.totals + due * (count << 3), count << 3);
  add_powers(own, sums, p.left, part.left_rows, row, row, 1);
  add_powers(own, sums, p.right, part.right_rows, row, row, 1);
  for (let i: i32 = 0; i < count; i++) write_root(own, i, load<i64>(sums + (i << 3)));
}
