/**
 * avgpool: the average under a sliding kernel in int8, rounded half away from zero.
 *
 * In: x s8 [x_rows][x_f][x_c].  Out: rows first to first + rows - 1 of y s8 [...][y_f][x_c].  Padded
 * positions are left out, or count as the zero point (include_pad). Exact: quant/ops/avgpool.ts.
 */
import { clamp, end_tap, first_tap } from "./fixed-point";
import { PoolBlock } from "./sliding";

/** Returns sum / count, rounded half away from zero. */
// @ts-ignore: decorator
@inline
export function rounded_mean(sum: i32, count: i32): i32 {
  return (sum + (sum > 0 ? count >> 1 : -(count >> 1))) / count;
}

export function avgpool_s8(p: PoolBlock, first: i32, rows: i32): void {
  const dilation_t = p.dilation_t; // more than 1 if several phases are interleaved
  const x_f = p.x_f;
  const x_c = p.x_c;
  const all = p.kernel_t * p.kernel_f;
  let y = p.y + first * p.y_f * x_c;
  for (let t = first; t < first + rows; t++) {
    const t0 = t * p.stride_t - p.pad_t;
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, p.x_rows, p.kernel_t);
    for (let f: i32 = 0; f < p.y_f; f++) {
      const f0 = f * p.stride_f - p.pad_f;
      const kf0 = first_tap(f0, 1);
      const kf1 = end_tap(f0, 1, x_f, p.kernel_f);
      const inside = max(0, kt1 - kt0) * max(0, kf1 - kf0);
      const count = p.include_pad ? all : inside;
      for (let c: i32 = 0; c < x_c; c++) {
        let sum = (count - inside) * p.x_zero;
        for (let kt = kt0; kt < kt1; kt++) {
          const row = p.x + (t0 + kt * dilation_t) * x_f * x_c + c; // s8 [x_f][x_c], from this channel
          for (let kf = kf0; kf < kf1; kf++) sum += <i32>load<i8>(row + (f0 + kf) * x_c);
        }
        store<i8>(y++, clamp(rounded_mean(sum, count), p.min, p.max));
      }
    }
  }
}
