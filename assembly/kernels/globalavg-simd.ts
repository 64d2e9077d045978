/**
 * globalavg with SIMD128: what globalavg.ts does, its averages requantised as the sums of a place.
 *
 * In: as globalavg.ts, rule 1.  G_MAC is the address of a MAC block with COUNT as Y_C and BIAS less what every sum has too much; SUMS is a scratch
 * row of it, filled up to eights.  Out: Y s8 [COUNT].  Exact: int32 sums, mac-simd.ts.
 */
import { BIAS, COUNT, F_SLOTS, F_TOTALS, G_MAC, PARTIALS, ROWS, SLOTS, SUMS, X, X_ELEMENTS, Y } from "./block";
import { fold_opened, fold_phase, fold_totals, ring_totals } from "./globalavg";
import { finish_place } from "./mac-simd";
import { move_s8 } from "./move";
import { add_row } from "./rows";

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
  add_row<i8>(started(p), load<i32>(p, X), load<i32>(p, ROWS) * load<i32>(p, X_ELEMENTS), load<i32>(p, COUNT), 1);
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
  const totals = load<i32>(p, F_TOTALS);
  const own = fold_phase(p, phase, 0);
  const opens = fold_phase(p, phase, load<i32>(p, F_SLOTS));
  const slot = fold_totals<i8>(p, phase, own);
  const sums = started(p);
  add_sums(sums, sums, slot, count);
  add_sums(sums, sums, totals + own * (count << 2), count);
  finish(p);
  for (let i: i32 = 0; i < count << 2; i += 4) store<i32>(slot + i, -load<i32>(totals + opens * (count << 2) + i));
  fold_opened<i8>(p, slot);
}

export function globalavg_ring_s8_simd(p: usize, phase: i32): void {
  const count = load<i32>(p, COUNT);
  const mac = <usize>load<i32>(p, G_MAC);
  add_sums(load<i32>(mac, SUMS), load<i32>(mac, BIAS), ring_totals<i8>(p, phase, count), count);
  finish(p);
}
