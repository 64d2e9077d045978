/**
 * maxpool with SIMD128: sixteen channels at a time. If they are not a multiple of sixteen, the last sixteen
 * overlap those before.
 *
 * In: x s8 [x_rows][x_f][x_c], x_c at least 16.  Out: as maxpool.ts.  Exact.
 */
import { end_tap, first_tap } from "./fixed-point";
import { CLAMPS, DILATIONS, EDGES, FEATURES } from "./needs";
import { PoolBlock } from "./sliding";

export function maxpool_s8_simd(p: PoolBlock, first: i32, rows: i32): void {
  const x_f = FEATURES ? p.x_f : 1;
  const y_f = FEATURES ? p.y_f : 1;
  const kernel_f = FEATURES ? p.kernel_f : 1;
  const x_c = p.x_c;
  const dilation_t = DILATIONS ? p.dilation_t : 1; // more than 1 if several phases are interleaved
  const step = dilation_t * x_f * x_c;
  let y = p.y + first * y_f * x_c;
  for (const end = first + rows; first < end; first++) {
    const t0 = first * p.stride_t - (EDGES ? p.pad_t : 0);
    const kt0 = EDGES ? first_tap(t0, dilation_t) : 0;
    const kt1 = EDGES ? end_tap(t0, dilation_t, p.x_rows, p.kernel_t) : p.kernel_t;
    for (let f: i32 = 0; f < y_f; f++) {
      const f0 = FEATURES ? f * p.stride_f - p.pad_f : 0;
      const kf0 = FEATURES ? first_tap(f0, 1) : 0;
      const kf1 = FEATURES ? end_tap(f0, 1, x_f, kernel_f) : 1;
      const x = p.x + (t0 * x_f + f0 + kf0) * x_c + kt0 * step;
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
          best = i8x16.max_s(v128.load_splat<i8>(changetype<usize>(p), offsetof<PoolBlock>("min")), best);
          best = i8x16.min_s(v128.load_splat<i8>(changetype<usize>(p), offsetof<PoolBlock>("max")), best);
        }
        v128.store(y + c, best);
      }
      y += x_c;
    }
  }
}
