/**
 * avgpool: the average under a sliding kernel in int8, rounded half away from zero.
 *
 * In: X s8 [X_ROWS][X_F][X_C].  Out: rows first to first + rows - 1 of Y s8 [...][Y_F][X_C].  Padded places are left out, or count as the zero point (INCLUDE_PAD).
 * Exact: quant/ops/avgpool.ts.
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
  X_ZERO,
  Y,
  Y_F,
} from "./block";
import { clamp, end_tap, first_tap } from "./fixed-point";

/** sum / count, half away from zero. */
// @ts-ignore: decorator
@inline
export function rounded_mean(sum: i32, count: i32): i32 {
  return (sum + (sum > 0 ? count >> 1 : -(count >> 1))) / count;
}

export function avgpool_s8(p: usize, first: i32, rows: i32): void {
  const dilation_t = load<i32>(p, DILATION_T); // more than 1 where several phases are interleaved
  const x_f = load<i32>(p, X_F);
  const x_c = load<i32>(p, X_C);
  const all = load<i32>(p, KERNEL_T) * load<i32>(p, KERNEL_F);
  let y = <usize>(load<i32>(p, Y) + first * load<i32>(p, Y_F) * x_c);
  for (let t = first; t < first + rows; t++) {
    const t0 = t * load<i32>(p, STRIDE_T) - load<i32>(p, PAD_T);
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, load<i32>(p, X_ROWS), load<i32>(p, KERNEL_T));
    for (let f: i32 = 0; f < load<i32>(p, Y_F); f++) {
      const f0 = f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F);
      const kf0 = first_tap(f0, 1);
      const kf1 = end_tap(f0, 1, x_f, load<i32>(p, KERNEL_F));
      const inside = max(0, kt1 - kt0) * max(0, kf1 - kf0);
      const count = load<i32>(p, INCLUDE_PAD) ? all : inside;
      for (let c: i32 = 0; c < x_c; c++) {
        let sum = (count - inside) * load<i32>(p, X_ZERO);
        for (let kt = kt0; kt < kt1; kt++) {
          const row = load<i32>(p, X) + (t0 + kt * dilation_t) * x_f * x_c + c; // s8 [x_f][x_c], from this channel
          for (let kf = kf0; kf < kf1; kf++) sum += <i32>load<i8>(row + (f0 + kf) * x_c);
        }
        store<i8>(y++, clamp(rounded_mean(sum, count), load<i32>(p, MIN), load<i32>(p, MAX)));
      }
    }
  }
}
