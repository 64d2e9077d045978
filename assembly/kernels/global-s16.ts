/**
 * globalavg where the input, the output or both are int16, and globalmax in int16.
 *
 * In: x [rows][x_elements].  Out: y [count].  As globalavg.ts, with rows of other types; partial sums are
 * also int32.  Exact: quant/ops/globalavg.ts and globalmax.ts; fewer than 2^16 rows.
 */
import { clamp } from "./fixed-point";
import { GlobalBlock, GlobalFoldBlock } from "./global";
import { average, fold_opened, fold_phase, fold_totals, ring_totals } from "./globalavg";
import { add_row } from "./rows";

/** Stores output i, computed from its sum. */
// @ts-ignore: decorator
@inline
function put<TY>(p: GlobalBlock, i: i32, sum: i32): void {
  store<TY>(p.y + i * <i32>sizeof<TY>(), <TY>average(p, sum));
}

function run<TX, TY>(p: GlobalBlock): void {
  const count = p.count;
  const n = p.rows * p.x_elements;
  for (let i: i32 = 0; i < count; i++) {
    let sum = 0;
    for (let j = i; j < n; j += count) sum += <i32>load<TX>(p.x + j * <i32>sizeof<TX>());
    put<TY>(p, i, sum);
  }
}

function fold<TX, TY>(p: GlobalFoldBlock, phase: i32): void {
  const count = p.count;
  const totals = p.totals;
  const own = fold_phase(p, phase, 0);
  const opens = fold_phase(p, phase, p.waiting);
  const slot = fold_totals<TX>(p, phase, own);
  for (let i: i32 = 0; i < count; i++) {
    const at = slot + (i << 2);
    put<TY>(p, i, load<i32>(at) + load<i32>(totals + ((own * count + i) << 2)));
    store<i32>(at, -load<i32>(totals + ((opens * count + i) << 2)));
  }
  fold_opened<TX>(p, slot);
}

function ring<TX, TY>(p: GlobalFoldBlock, phase: i32): void {
  const count = p.count;
  const total = ring_totals<TX>(p, phase, count);
  for (let i: i32 = 0; i < count; i++) put<TY>(p, i, load<i32>(total + (i << 2)));
}

export function globalavg_accumulate_s16(p: GlobalBlock): void {
  const count = p.count;
  const slot = p.partials + load<i32>(p.slot) * (count << 2);
  add_row<i16>(slot, p.x, p.rows * p.x_elements, count, 1);
}

export function globalavg_finish_s16(p: GlobalBlock): void {
  const count = p.count;
  for (let i: i32 = 0; i < count; i++) {
    let sum = 0;
    for (let s: i32 = 0; s < p.slots; s++) sum += load<i32>(p.partials + ((s * count + i) << 2));
    put<i16>(p, i, sum);
  }
}

export function globalavg_s16(p: GlobalBlock): void {
  run<i16, i16>(p);
}

export function globalavg_s16_s8(p: GlobalBlock): void {
  run<i16, i8>(p);
}

export function globalavg_s8_s16(p: GlobalBlock): void {
  run<i8, i16>(p);
}

export function globalavg_fold_s16(p: GlobalFoldBlock, phase: i32): void {
  fold<i16, i16>(p, phase);
}

export function globalavg_fold_s16_s8(p: GlobalFoldBlock, phase: i32): void {
  fold<i16, i8>(p, phase);
}

export function globalavg_fold_s8_s16(p: GlobalFoldBlock, phase: i32): void {
  fold<i8, i16>(p, phase);
}

export function globalavg_ring_s16(p: GlobalFoldBlock, phase: i32): void {
  ring<i16, i16>(p, phase);
}

export function globalavg_ring_s16_s8(p: GlobalFoldBlock, phase: i32): void {
  ring<i16, i8>(p, phase);
}

export function globalavg_ring_s8_s16(p: GlobalFoldBlock, phase: i32): void {
  ring<i8, i16>(p, phase);
}

export function globalmax_s16(p: GlobalBlock): void {
  const count = p.count;
  const n = p.rows * p.x_elements;
  for (let i: i32 = 0; i < count; i++) {
    let best = -32768;
    for (let j = i; j < n; j += count) best = max(best, <i32>load<i16>(p.x + (j << 1)));
    store<i16>(p.y + (i << 1), clamp(best, p.min, p.max));
  }
}
