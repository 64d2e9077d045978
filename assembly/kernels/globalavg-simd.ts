/**
 * globalavg with SIMD128: what globalavg.ts does, its averages requantised as the sums of a place.
 *
 * In: as globalavg.ts, rule 1.  G_MAC is the address of a MAC block with COUNT as Y_C and BIAS less what every sum has too much; SUMS is a scratch
 * row of it, filled up to eights.  Out: Y s8 [COUNT].  Exact: int32 sums, mac-simd.ts.
 */
import {
  BIAS,
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
  G_MAC,
  PARTIALS,
  ROWS,
  SLOTS,
  SUMS,
  X,
  X_ELEMENTS,
  Y,
} from "./block";
import { finish_place } from "./mac-simd";
import { move_s8 } from "./move";
import { add_row, add_rows } from "./rows";

/** to[i] = a[i] + b[i], whole fours. */
function add_sums(to: usize, a: usize, b: usize, count: i32): void {
  for (; count > 0; count -= 4) {
    v128.store(to, i32x4.add(v128.load(a), v128.load(b)));
    to += 16;
    a += 16;
    b += 16;
  }
}

/** The row of sums, from its start. */
function started(p: usize): usize {
  const mac = <usize>load<i32>(p, G_MAC);
  move_s8(load<i32>(mac, SUMS), load<i32>(mac, BIAS), load<i32>(p, COUNT) << 2);
  return load<i32>(mac, SUMS);
}

function finish(p: usize): void {
  const mac = <usize>load<i32>(p, G_MAC);
  finish_place(mac, load<i32>(p, Y), load<i32>(mac, SUMS));
}

export function globalavg_s8_simd(p: usize): void {
  add_row(started(p), load<i32>(p, X), load<i32>(p, ROWS) * load<i32>(p, X_ELEMENTS), load<i32>(p, COUNT), 1);
  finish(p);
}

export function globalavg_finish_s8_simd(p: usize): void {
  const count = load<i32>(p, COUNT);
  const sums = started(p);
  for (let s: i32 = 0; s < load<i32>(p, SLOTS); s++) add_sums(sums, sums, load<i32>(p, PARTIALS) + s * (count << 2), count);
  finish(p);
}

export function globalavg_fold_s8_simd(p: usize, phase: i32): void {
  const count = load<i32>(p, COUNT);
  const row = load<i32>(p, F_ROW);
  const step = load<i32>(p, F_STEP);
  const news = load<i32>(p, F_NEW_ROWS);
  const totals = load<i32>(p, F_TOTALS);
  const slots = load<i32>(p, F_SLOTS);
  // as globalavg_fold_s8
  const own = ((phase % step) * news) % step;
  const opens = (((phase + slots) % step) * news) % step;
  for (let r: i32 = 0; r < news; r++) {
    const at = totals + ((own + load<i32>(p, F_NEWEST) + 1 - news + r + step * news) % step) * (count << 2);
    add_row(at, load<i32>(p, F_NEW) + r * row, row, count, 1);
  }
  const slot = load<i32>(p, F_QUEUE) + (phase % slots) * (count << 2);
  add_rows(slot, load<i32>(p, F_RIGHT), load<i32>(p, F_RIGHT_ROWS), row, row, count);
  const sums = started(p);
  add_sums(sums, sums, slot, count);
  add_sums(sums, sums, totals + own * (count << 2), count);
  finish(p);
  for (let i: i32 = 0; i < count << 2; i += 4) store<i32>(slot + i, -load<i32>(totals + opens * (count << 2) + i));
  add_rows(slot, load<i32>(p, F_LEFT), load<i32>(p, F_LEFT_ROWS), row, row, count);
  add_rows(slot, load<i32>(p, F_OPEN), load<i32>(p, F_OPEN_ROWS), row * step, row, count);
}

export function globalavg_ring_s8_simd(p: usize, phase: i32): void {
  const count = load<i32>(p, COUNT);
  const row = load<i32>(p, F_ROW);
  const news = load<i32>(p, F_NEW_ROWS);
  const slots = load<i32>(p, F_SLOTS);
  const total = load<i32>(p, F_TOTALS);
  let at = ((phase % slots) * news) % slots;
  for (let r: i32 = 0; r < news; r++) {
    const x = load<i32>(p, F_NEW) + r * row;
    const old = load<i32>(p, F_QUEUE) + at * row;
    add_row(total, x, row, count, 1);
    add_row(total, old, row, count, -1);
    move_s8(old, x, row);
    at = at + 1 == slots ? 0 : at + 1;
  }
  const sums = started(p);
  add_sums(sums, sums, total, count);
  finish(p);
}
