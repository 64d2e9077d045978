/**
 * maxpool with SIMD128: sixteen channels at a time, the last sixteen once more where they are no whole number of sixteens.
 *
 * In: X s8 [X_ROWS][X_F][X_C], X_C at least 16.  Out: as maxpool.ts.  Exact.
 */
import { DILATION_T, KERNEL_F, KERNEL_T, MAX, MIN, PAD_F, PAD_T, STRIDE_F, STRIDE_T, X, X_C, X_F, X_ROWS, Y, Y_F } from "./block";
import { end_tap, first_tap } from "./fixed-point";
import { CLAMPS, DILATIONS, EDGES, FEATURES } from "./needs";

export function maxpool_s8_simd(p: usize, first: i32, rows: i32): void {
  const x_f = FEATURES ? load<i32>(p, X_F) : 1;
  const y_f = FEATURES ? load<i32>(p, Y_F) : 1;
  const kernel_f = FEATURES ? load<i32>(p, KERNEL_F) : 1;
  const x_c = load<i32>(p, X_C);
  const dilation_t = DILATIONS ? load<i32>(p, DILATION_T) : 1; // more than 1 where several phases are interleaved
  const step = dilation_t * x_f * x_c;
  let y = <usize>(load<i32>(p, Y) + first * y_f * x_c);
  for (const end = first + rows; first < end; first++) {
    const t0 = first * load<i32>(p, STRIDE_T) - (EDGES ? load<i32>(p, PAD_T) : 0);
    const kt0 = EDGES ? first_tap(t0, dilation_t) : 0;
    const kt1 = EDGES ? end_tap(t0, dilation_t, load<i32>(p, X_ROWS), load<i32>(p, KERNEL_T)) : load<i32>(p, KERNEL_T);
    for (let f: i32 = 0; f < y_f; f++) {
      const f0 = FEATURES ? f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F) : 0;
      const kf0 = FEATURES ? first_tap(f0, 1) : 0;
      const kf1 = FEATURES ? end_tap(f0, 1, x_f, kernel_f) : 1;
      const x = load<i32>(p, X) + (t0 * x_f + f0 + kf0) * x_c + kt0 * step;
      for (let next: i32 = 0; next < x_c; next += 16) {
        const c = min(next, x_c - 16);
        let best = i8x16.splat(-128);
        let row = <usize>(x + c);
        for (let kt = kt0; kt < kt1; kt++) {
          let at = row;
          for (let kf = kf0; kf < kf1; kf++) {
            best = i8x16.max_s(best, v128.load(at));
            at += x_c;
          }
          row += step;
        }
        if (CLAMPS) {
          best = i8x16.max_s(v128.load_splat<i8>(p, MIN), best);
          best = i8x16.min_s(v128.load_splat<i8>(p, MAX), best);
        }
        v128.store(y + c, best);
      }
      y += x_c;
    }
  }
}
