/**
 * maxpool: the largest value under a sliding kernel in int8.
 *
 * In: x s8 [x_rows][x_f][x_c].  Out: rows first to first + rows - 1 of y s8 [...][y_f][x_c].  Padded
 * positions never win.  Exact: quant/ops/maxpool.ts.
 */
import { clamp, end_tap, first_tap } from "./fixed-point";
import { DILATIONS, EDGES, FEATURES } from "./needs";
import { PoolBlock } from "./sliding";

export function maxpool_s8(p: PoolBlock, first: i32, rows: i32): void {
  const dilation_t = DILATIONS ? p.dilation_t : 1; // more than 1 if several phases are interleaved
  const x_f = FEATURES ? p.x_f : 1;
  const y_f = FEATURES ? p.y_f : 1;
  const x_c = p.x_c;
  const kernel_t = p.kernel_t;
  const kernel_f = FEATURES ? p.kernel_f : 1;
  let y = p.y + first * y_f * x_c;
  for (let t = first; t < first + rows; t++) {
    const t0 = t * p.stride_t - (EDGES ? p.pad_t : 0);
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, p.x_rows, kernel_t);
    for (let f: i32 = 0; f < y_f; f++) {
      const f0 = FEATURES ? f * p.stride_f - p.pad_f : 0;
      const kf0 = first_tap(f0, 1);
      const kf1 = end_tap(f0, 1, x_f, kernel_f);
      for (let c: i32 = 0; c < x_c; c++) {
        let best = -128;
        for (let kt = kt0; kt < kt1; kt++) {
          const row = p.x + (t0 + kt * dilation_t) * x_f * x_c + c; // s8 [x_f][x_c], from this channel
          for (let kf = kf0; kf < kf1; kf++) best = max(best, <i32>load<i8>(row + (f0 + kf) * x_c));
        }
        store<i8>(y++, clamp(best, p.min, p.max));
      }
    }
  }
}
