/**
 * maxpool with SIMD128: sixteen channels at a time.
 *
 * In: X s8 [X_ROWS][X_F][X_C].  Out: as maxpool.ts.  Exact.  Up to fifteen channels past the last are read; what comes of them is dropped.
 */
import { DILATION_T, KERNEL_F, KERNEL_T, MAX, MIN, PAD_F, PAD_T, STRIDE_F, STRIDE_T, X, X_C, X_F, X_ROWS, Y, Y_F } from "./block";
import { end_tap, first_tap } from "./fixed-point";
import { EDGES, FEATURES } from "./needs";

export function maxpool_s8_simd(p: usize, first: i32, rows: i32): void {
  const x_f = FEATURES ? load<i32>(p, X_F) : 1;
  const y_f = FEATURES ? load<i32>(p, Y_F) : 1;
  const kernel_t = load<i32>(p, KERNEL_T);
  const kernel_f = FEATURES ? load<i32>(p, KERNEL_F) : 1;
  const x_c = load<i32>(p, X_C);
  const frame = x_f * x_c;
  const dilation_t = load<i32>(p, DILATION_T); // more than 1 where several phases are interleaved
  const low = i8x16.splat(<i8>load<i32>(p, MIN));
  const high = i8x16.splat(<i8>load<i32>(p, MAX));
  let y = <usize>(load<i32>(p, Y) + first * y_f * x_c);
  for (let t = first; t < first + rows; t++) {
    const t0 = t * load<i32>(p, STRIDE_T) - (EDGES ? load<i32>(p, PAD_T) : 0);
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, load<i32>(p, X_ROWS), kernel_t);
    for (let f: i32 = 0; f < y_f; f++) {
      const f0 = FEATURES ? f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F) : 0;
      const kf0 = first_tap(f0, 1);
      const kf1 = end_tap(f0, 1, x_f, kernel_f);
      const x = load<i32>(p, X) + (t0 + kt0 * dilation_t) * frame + (f0 + kf0) * x_c;
      for (let c: i32 = 0; c < x_c; c += 16) {
        let best = i8x16.splat(-128);
        let row = <usize>(x + c);
        for (let kt = kt0; kt < kt1; kt++) {
          let at = row;
          for (let kf = kf0; kf < kf1; kf++) {
            best = i8x16.max_s(best, v128.load(at));
            at += x_c;
          }
          row += dilation_t * frame;
        }
        best = i8x16.min_s(high, i8x16.max_s(low, best));
        if (c + 16 <= x_c) v128.store(y + c, best);
        else store_first(y + c, best, x_c - c);
      }
      y += x_c;
    }
  }
}

/** The first n of sixteen bytes. */
function store_first(to: usize, v: v128, n: i32): void {
  if (n & 8) {
    v128.store64_lane(to, v, 0);
    to += 8;
    v = v128.shuffle<i64>(v, v, 1, 0);
  }
  let rest = i64x2.extract_lane(v, 0);
  for (n &= 7; n > 0; n--) {
    store<i8>(to++, rest);
    rest >>= 8;
  }
}
