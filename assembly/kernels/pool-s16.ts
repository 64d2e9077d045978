/**
 * maxpool and avgpool in int16: the largest value, or the mean rounded half away from zero, under a sliding
 * kernel.
 *
 * In: x s16 [x_rows][x_f][x_c].  Out: rows first to first + rows - 1 of y s16 [...][y_f][x_c].  Padded
 * positions never win; a mean leaves them out, or counts them as 0 (include_pad).  Exact:
 * quant/ops/maxpool.ts, quant/ops/avgpool.ts; fewer than 2^16 positions.
 */
import { rounded_mean } from "./avgpool";
import { clamp, end_tap, first_tap } from "./fixed-point";
import { PoolBlock } from "./sliding";

// @ts-ignore: decorator
@inline
function pool_s16(p: PoolBlock, first: i32, rows: i32, mean: bool): void {
  const dilation_t = p.dilation_t; // more than 1 if several phases are interleaved
  const x_f = p.x_f;
  const x_c = p.x_c;
  let y = p.y + ((first * p.y_f * x_c) << 1);
  for (let t = first; t < first + rows; t++) {
    const t0 = t * p.stride_t - p.pad_t;
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, p.x_rows, p.kernel_t);
    for (let f: i32 = 0; f < p.y_f; f++) {
      const f0 = f * p.stride_f - p.pad_f;
      const kf0 = first_tap(f0, 1);
      const kf1 = end_tap(f0, 1, x_f, p.kernel_f);
      const inside = max(0, kt1 - kt0) * max(0, kf1 - kf0);
      const count = mean && p.include_pad ? p.kernel_t * p.kernel_f : inside;
      for (let c: i32 = 0; c < x_c; c++) {
        let value: i32 = mean ? 0 : -32768;
        for (let kt = kt0; kt < kt1; kt++) {
          // s16 [x_f][x_c], from this channel
          const row = p.x + (((t0 + kt * dilation_t) * x_f * x_c + c) << 1);
          for (let kf = kf0; kf < kf1; kf++) {
            const x = <i32>load<i16>(row + (((f0 + kf) * x_c) << 1));
            value = mean ? value + x : max(value, x);
          }
        }
        if (mean) value = rounded_mean(value, count);
        store<i16>(y, clamp(value, p.min, p.max));
        y += 2;
      }
    }
  }
}

export function maxpool_s16(p: PoolBlock, first: i32, rows: i32): void {
  pool_s16(p, first, rows, false);
}

export function avgpool_s16(p: PoolBlock, first: i32, rows: i32): void {
  pool_s16(p, first, rows, true);
}
