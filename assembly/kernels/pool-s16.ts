/**
 * maxpool and avgpool in int16: the largest value, or the mean rounded half away from zero, under a sliding kernel.
 *
 * In: X s16 [X_ROWS][X_F][X_C].  Out: rows first to first + rows - 1 of Y s16 [...][Y_F][X_C].  Padded places never win, and are left out of a mean or count as 0
 * (INCLUDE_PAD).  Exact: quant/ops/maxpool.ts, quant/ops/avgpool.ts; fewer than 2^16 places.
 */
import {
  DILATION_T,
  INCLUDE_PAD,
  KERNEL_F,
  KERNEL_T,
  MAX,
  MIN,
  PAD_F,
  PAD_T,
  STRIDE_F,
  STRIDE_T,
  X,
  X_C,
  X_F,
  X_ROWS,
  Y,
  Y_F,
} from "./block";
import { rounded_mean } from "./avgpool";
import { clamp, end_tap, first_tap } from "./fixed-point";

// @ts-ignore: decorator
@inline
function pool_s16(p: usize, first: i32, rows: i32, mean: bool): void {
  const dilation_t = load<i32>(p, DILATION_T); // more than 1 where several phases are interleaved
  const x_f = load<i32>(p, X_F);
  const x_c = load<i32>(p, X_C);
  let y = <usize>(load<i32>(p, Y) + ((first * load<i32>(p, Y_F) * x_c) << 1));
  for (let t = first; t < first + rows; t++) {
    const t0 = t * load<i32>(p, STRIDE_T) - load<i32>(p, PAD_T);
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, load<i32>(p, X_ROWS), load<i32>(p, KERNEL_T));
    for (let f: i32 = 0; f < load<i32>(p, Y_F); f++) {
      const f0 = f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F);
      const kf0 = first_tap(f0, 1);
      const kf1 = end_tap(f0, 1, x_f, load<i32>(p, KERNEL_F));
      const inside = max(0, kt1 - kt0) * max(0, kf1 - kf0);
      const count = mean && load<i32>(p, INCLUDE_PAD) ? load<i32>(p, KERNEL_T) * load<i32>(p, KERNEL_F) : inside;
      for (let c: i32 = 0; c < x_c; c++) {
        let value: i32 = mean ? 0 : -32768;
        for (let kt = kt0; kt < kt1; kt++) {
          const row = <usize>(load<i32>(p, X) + (((t0 + kt * dilation_t) * x_f * x_c + c) << 1)); // s16 [x_f][x_c], from this channel
          for (let kf = kf0; kf < kf1; kf++) {
            const x = <i32>load<i16>(row + (((f0 + kf) * x_c) << 1));
            value = mean ? value + x : max(value, x);
          }
        }
        if (mean) value = rounded_mean(value, count);
        store<i16>(y, clamp(value, load<i32>(p, MIN), load<i32>(p, MAX)));
        y += 2;
      }
    }
  }
}

export function maxpool_s16(p: usize, first: i32, rows: i32): void {
  pool_s16(p, first, rows, false);
}

export function avgpool_s16(p: usize, first: i32, rows: i32): void {
  pool_s16(p, first, rows, true);
}
