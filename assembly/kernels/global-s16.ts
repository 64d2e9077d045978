/**
 * globalavg where the input, the output or both are int16, and globalmax in int16.
 *
 * In: X [ROWS][X_ELEMENTS].  Out: Y [COUNT].  As globalavg.ts, with rows of another type; partial sums are int32 here too.  Exact: quant/ops/globalavg.ts and
 * globalmax.ts; fewer than 2^16 rows.
 */
import { COUNT, F_SLOTS, F_TOTALS, G_MAX, G_MIN, PARTIALS, ROWS, SLOT, SLOTS, X, X_ELEMENTS, Y } from "./block";
import { clamp } from "./fixed-point";
import { average, fold_opened, fold_phase, fold_totals, ring_totals } from "./globalavg";
import { add_row } from "./rows";

/** Output i, from its sum. */
// @ts-ignore: decorator
@inline
function put<TY>(p: usize, i: i32, sum: i32): void {
  store<TY>(load<i32>(p, Y) + i * <i32>sizeof<TY>(), <TY>average(p, sum));
}

function run<TX, TY>(p: usize): void {
  const count = load<i32>(p, COUNT);
  const n = load<i32>(p, ROWS) * load<i32>(p, X_ELEMENTS);
  for (let i: i32 = 0; i < count; i++) {
    let sum = 0;
    for (let j = i; j < n; j += count) sum += <i32>load<TX>(load<i32>(p, X) + j * <i32>sizeof<TX>());
    put<TY>(p, i, sum);
  }
}

function fold<TX, TY>(p: usize, phase: i32): void {
  const count = load<i32>(p, COUNT);
  const totals = load<i32>(p, F_TOTALS);
  const own = fold_phase(p, phase, 0);
  const opens = fold_phase(p, phase, load<i32>(p, F_SLOTS));
  const slot = fold_totals<TX>(p, phase, own);
  for (let i: i32 = 0; i < count; i++) {
    const at = slot + (i << 2);
    put<TY>(p, i, load<i32>(at) + load<i32>(totals + ((own * count + i) << 2)));
    store<i32>(at, -load<i32>(totals + ((opens * count + i) << 2)));
  }
  fold_opened<TX>(p, slot);
}

function ring<TX, TY>(p: usize, phase: i32): void {
  const count = load<i32>(p, COUNT);
  const total = ring_totals<TX>(p, phase, count);
  for (let i: i32 = 0; i < count; i++) put<TY>(p, i, load<i32>(total + (i << 2)));
}

export function globalavg_accumulate_s16(p: usize): void {
  const count = load<i32>(p, COUNT);
  const slot = load<i32>(p, PARTIALS) + load<i32>(load<i32>(p, SLOT)) * (count << 2);
  add_row<i16>(slot, load<i32>(p, X), load<i32>(p, ROWS) * load<i32>(p, X_ELEMENTS), count, 1);
}

export function globalavg_finish_s16(p: usize): void {
  const count = load<i32>(p, COUNT);
  for (let i: i32 = 0; i < count; i++) {
    let sum = 0;
    for (let s: i32 = 0; s < load<i32>(p, SLOTS); s++) sum += load<i32>(load<i32>(p, PARTIALS) + ((s * count + i) << 2));
    put<i16>(p, i, sum);
  }
}

export function globalavg_s16(p: usize): void {
  run<i16, i16>(p);
}

export function globalavg_s16_s8(p: usize): void {
  run<i16, i8>(p);
}

export function globalavg_s8_s16(p: usize): void {
  run<i8, i16>(p);
}

export function globalavg_fold_s16(p: usize, phase: i32): void {
  fold<i16, i16>(p, phase);
}

export function globalavg_fold_s16_s8(p: usize, phase: i32): void {
  fold<i16, i8>(p, phase);
}

export function globalavg_fold_s8_s16(p: usize, phase: i32): void {
  fold<i8, i16>(p, phase);
}

export function globalavg_ring_s16(p: usize, phase: i32): void {
  ring<i16, i16>(p, phase);
}

export function globalavg_ring_s16_s8(p: usize, phase: i32): void {
  ring<i16, i8>(p, phase);
}

export function globalavg_ring_s8_s16(p: usize, phase: i32): void {
  ring<i8, i16>(p, phase);
}

export function globalmax_s16(p: usize): void {
  const count = load<i32>(p, COUNT);
  const n = load<i32>(p, ROWS) * load<i32>(p, X_ELEMENTS);
  for (let i: i32 = 0; i < count; i++) {
    let best = -32768;
    for (let j = i; j < n; j += count) best = max(best, <i32>load<i16>(load<i32>(p, X) + (j << 1)));
    store<i16>(load<i32>(p, Y) + (i << 1), clamp(best, load<i32>(p, G_MIN), load<i32>(p, G_MAX)));
  }
}
