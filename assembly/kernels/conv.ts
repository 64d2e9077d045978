/**
 * conv: convolution over time and features in int8, grouped.
 *
 * In: x s8 [x_rows][x_f][x_c].  Out: rows first to first + rows - 1 of y s8 [...][y_f][y_c].  acc = bias +
 * sum w * (x - x_zero); y = clamp(y_zero + requantise(acc)). Padded taps are skipped (they hold the zero
 * point).  Exact: quant/ops/conv.ts. Cost: one multiply-add per tap. This is the plain kernel: the kernel of
 * the target (conv-simd.ts and its neighbours) runs every layer whose multipliers it can apply.
 */
import { end_tap, finish, first_tap } from "./fixed-point";
import { PlainBlock } from "./mac";
import { TapsBlock, tap_accumulators } from "./taps";

/** Returns sum w[i] * (x[i] - zero). */
// @ts-ignore: decorator
@inline
export function dot_s8(
  x: usize, // s8 [n]
  w: usize, // s8 [n]
  n: i32,
  zero: i32,
): i32 {
  let sum = 0;
  for (let i: i32 = 0; i < n; i++) sum += <i32>load<i8>(w + i) * (<i32>load<i8>(x + i) - zero);
  return sum;
}

export function conv_s8(p: PlainBlock, first: i32, rows: i32): void {
  const x_rows = p.x_rows;
  const x_f = p.x_f;
  const x_c = p.x_c;
  const y_c = p.y_c;
  const kernel_t = p.kernel_t;
  const kernel_f = p.kernel_f;
  const dilation_t = p.dilation_t;
  const dilation_f = p.dilation_f;
  const per = p.per;
  const zero = p.x_zero;
  const out_per = y_c / (x_c / per);
  const beside_f = per == x_c && dilation_f == 1; // the taps of one row are adjacent
  let y = p.y + first * p.y_f * y_c;
  for (let t = first; t < first + rows; t++) {
    const t0 = t * p.stride_t - p.pad_t;
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, x_rows, kernel_t);
    for (let f: i32 = 0; f < p.y_f; f++) {
      const f0 = f * p.stride_f - p.pad_f;
      const kf0 = first_tap(f0, dilation_f);
      const kf1 = end_tap(f0, dilation_f, x_f, kernel_f);
      for (let o: i32 = 0; o < y_c; o++) {
        const w = p.weights + o * kernel_t * kernel_f * per; // s8 [kernel_t][kernel_f][per]
        const group = p.x + (o / out_per) * per; // s8 [x_rows][x_f][x_c], from the group's first channel
        let acc = 0;
        for (let kt = kt0; kt < kt1; kt++) {
          const row = group + (t0 + kt * dilation_t) * x_f * x_c;
          if (beside_f) {
            acc += dot_s8(row + (f0 + kf0) * x_c, w + (kt * kernel_f + kf0) * per, (kf1 - kf0) * per, zero);
          } else {
            for (let kf = kf0; kf < kf1; kf++) {
              acc += dot_s8(row + (f0 + kf * dilation_f) * x_c, w + (kt * kernel_f + kf) * per, per, zero);
            }
          }
        }
        finish(p, y, o, acc);
      }
      y += y_c;
    }
  }
}

/**
 * Adds the taps of input rows first to first + rows - 1 to the accumulators of the rows that they belong to
 * (taps.ts).
 */
export function conv_taps_s8(p: TapsBlock, first: i32, rows: i32): void {
  const x_f = p.x_f;
  const x_c = p.x_c;
  const y_c = p.y_c;
  const kernel_t = p.kernel_t;
  const kernel_f = p.kernel_f;
  const dilation_f = p.dilation_f;
  const per = p.per;
  const zero = p.x_zero;
  const out_per = y_c / (x_c / per);
  const beside_f = per == x_c && dilation_f == 1;
  for (let r = first; r < first + rows; r++) {
    for (let kt: i32 = 0; kt < kernel_t; kt++) {
      let acc = tap_accumulators(p, r, kt);
      if (!acc) continue;
      for (let f: i32 = 0; f < p.y_f; f++) {
        const f0 = f * p.stride_f - p.pad_f;
        const kf0 = first_tap(f0, dilation_f);
        const kf1 = end_tap(f0, dilation_f, x_f, kernel_f);
        for (let o: i32 = 0; o < y_c; o++) {
          const w = p.weights + (o * kernel_t + kt) * kernel_f * per; // s8 [kernel_f][per], of this tap
          const x = p.x + (r * x_f + f0) * x_c + (o / out_per) * per;
          let sum = load<i32>(acc);
          if (beside_f) sum += dot_s8(x + kf0 * x_c, w + kf0 * per, (kf1 - kf0) * per, zero);
          else {
            for (let kf = kf0; kf < kf1; kf++) sum += dot_s8(x + kf * dilation_f * x_c, w + kf * per, per, zero);
          }
          store<i32>(acc, sum);
          acc += 4;
        }
      }
    }
  }
}
