/**
 * maxpool: the largest value under a sliding kernel in int8.
 *
 * In: X s8 [X_ROWS][X_F][X_C].  Out: rows first to first + rows - 1 of Y s8 [...][Y_F][X_C].  Padded places never win.  Exact: quant/ops/maxpool.ts.
 */
import { DILATION_T, KERNEL_F, KERNEL_T, MAX, MIN, PAD_F, PAD_T, STRIDE_F, STRIDE_T, X, X_C, X_F, X_ROWS, Y, Y_F } from "./block";
import { clamp, end_tap, first_tap } from "./fixed-point";
import { DILATIONS, EDGES, FEATURES } from "./needs";

export function maxpool_s8(p: usize, first: i32, rows: i32): void {
  const dilation_t = DILATIONS ? load<i32>(p, DILATION_T) : 1; // more than 1 where several phases are interleaved
  const x_f = FEATURES ? load<i32>(p, X_F) : 1;
  const y_f = FEATURES ? load<i32>(p, Y_F) : 1;
  const x_c = load<i32>(p, X_C);
  const kernel_t = load<i32>(p, KERNEL_T);
  const kernel_f = FEATURES ? load<i32>(p, KERNEL_F) : 1;
  let y = <usize>(load<i32>(p, Y) + first * y_f * x_c);
  for (let t = first; t < first + rows; t++) {
    const t0 = t * load<i32>(p, STRIDE_T) - (EDGES ? load<i32>(p, PAD_T) : 0);
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, load<i32>(p, X_ROWS), kernel_t);
    for (let f: i32 = 0; f < y_f; f++) {
      const f0 = FEATURES ? f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F) : 0;
      const kf0 = first_tap(f0, 1);
      const kf1 = end_tap(f0, 1, x_f, kernel_f);
      for (let c: i32 = 0; c < x_c; c++) {
        let best = -128;
        for (let kt = kt0; kt < kt1; kt++) {
          const row = load<i32>(p, X) + (t0 + kt * dilation_t) * x_f * x_c + c; // s8 [x_f][x_c], from this channel
          for (let kf = kf0; kf < kf1; kf++) best = max(best, <i32>load<i8>(row + (f0 + kf) * x_c));
        }
        store<i8>(y++, clamp(best, load<i32>(p, MIN), load<i32>(p, MAX)));
      }
    }
  }
}
