/**
 * globalavg with SIMD128: as globalavg.ts, with averages requantised like the sums of an output position.
 *
 * In: as globalavg.ts, rule 1.  `mac` is the address of a SimdBlock. Its y_c is `count`, its `bias` subtracts
 * the excess of every sum, and its `sums` is a scratch row, padded to a multiple of 8.  Out: y s8 [count].
 * Exact: int32 sums, mac-simd.ts.
 */
import { GlobalFoldBlock, GlobalSimdBlock } from "./global";
import { fold_opened, fold_phase, fold_totals, ring_totals } from "./globalavg";
import { SimdBlock, finish_place } from "./mac-simd";
import { move_s8 } from "./move";
import { add_row } from "./rows";

/** Computes to[i] = a[i] + b[i], in whole fours. */
function add_sums(to: usize, a: usize, b: usize, count: i32): void {
  for (; count > 0; count -= 4) {
    v128.store(to, i32x4.add(v128.load(a), v128.load(b)));
    to += 16;
    a += 16;
    b += 16;
  }
}

/** Sets the row of sums to its start values; returns its address. */
function started(p: GlobalSimdBlock): usize {
  const mac = changetype<SimdBlock>(p.mac);
  move_s8(mac.sums, mac.bias, p.count << 2);
  return mac.sums;
}

function finish(p: GlobalSimdBlock): void {
  const mac = changetype<SimdBlock>(p.mac);
  finish_place(mac, p.y, mac.sums);
}

export function globalavg_s8_simd(p: GlobalSimdBlock): void {
  add_row<i8>(started(p), p.x, p.rows * p.x_elements, p.count, 1);
  finish(p);
}

export function globalavg_finish_s8_simd(p: GlobalSimdBlock): void {
  const count = p.count;
  const sums = started(p);
  for (let s: i32 = 0; s < p.slots; s++) add_sums(sums, sums, p.partials + s * (count << 2), count);
  finish(p);
}

export function globalavg_fold_s8_simd(p: GlobalFoldBlock, phase: i32): void {
  const count = p.count;
  const totals = p.totals;
  const own = fold_phase(p, phase, 0);
  const opens = fold_phase(p, phase, p.waiting);
  const slot = fold_totals<i8>(p, phase, own);
  const sums = started(p);
  add_sums(sums, sums, slot, count);
  add_sums(sums, sums, totals + own * (count << 2), count);
  finish(p);
  for (let i: i32 = 0; i < count << 2; i += 4) store<i32>(slot + i, -load<i32>(totals + opens * (count << 2) + i));
  fold_opened<i8>(p, slot);
}

export function globalavg_ring_s8_simd(p: GlobalFoldBlock, phase: i32): void {
  const count = p.count;
  const mac = changetype<SimdBlock>(p.mac);
  add_sums(mac.sums, mac.bias, ring_totals<i8>(p, phase, count), count);
  finish(p);
}
