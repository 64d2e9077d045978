/**
 * depthwise: one filter per output channel in int8.
 *
 * In: x s8 [x_rows][x_f][x_c].  Out: rows first to first + rows - 1 of y s8 [...][y_f][y_c], y_c = x_c * per;
 * output o reads input channel o / per. acc = bias + sum w[kt][kf][o] * (x - x_zero).  Padded taps are
 * skipped.  Plain kernel for several filters per channel; depthwise-simd.ts and depthwise-blocks.ts run
 * layers with one.  Exact: quant/ops/depthwise.ts.
 */
import { end_tap, finish, first_tap } from "./fixed-point";
import { PlainBlock } from "./mac";
import { TapsBlock, tap_accumulators } from "./taps";

export function depthwise_s8(p: PlainBlock, first: i32, rows: i32): void {
  const x_f = p.x_f;
  const x_c = p.x_c;
  const y_c = p.y_c;
  const kernel_f = p.kernel_f;
  const dilation_t = p.dilation_t;
  const dilation_f = p.dilation_f;
  const per = p.per;
  const zero = p.x_zero;
  const x_pitch = dilation_t * x_f * x_c; // from one tap in time to the next
  const w_pitch = kernel_f * y_c;
  let y = p.y + first * p.y_f * y_c;
  for (let t = first; t < first + rows; t++) {
    const t0 = t * p.stride_t - p.pad_t;
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, p.x_rows, p.kernel_t);
    for (let f: i32 = 0; f < p.y_f; f++) {
      const f0 = f * p.stride_f - p.pad_f;
      const kf0 = first_tap(f0, dilation_f);
      const kf1 = end_tap(f0, dilation_f, x_f, kernel_f);
      for (let o: i32 = 0; o < y_c; o++) {
        const x = p.x + (per == 1 ? o : o / per); // s8 [x_rows][x_f][x_c], from this channel
        const w = p.weights + o; // s8 [kernel_t][kernel_f][y_c], from this channel
        let acc = 0;
        for (let kf = kf0; kf < kf1; kf++) {
          let from = x + ((t0 + kt0 * dilation_t) * x_f + f0 + kf * dilation_f) * x_c;
          let at = w + (kt0 * kernel_f + kf) * y_c;
          for (let kt = kt0; kt < kt1; kt++) {
            acc += <i32>load<i8>(at) * (<i32>load<i8>(from) - zero);
            from += x_pitch;
            at += w_pitch;
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
export function depthwise_taps_s8(p: TapsBlock, first: i32, rows: i32): void {
  const x_f = p.x_f;
  const x_c = p.x_c;
  const y_c = p.y_c;
  const kernel_f = p.kernel_f;
  const dilation_f = p.dilation_f;
  const per = p.per;
  const zero = p.x_zero;
  for (let r = first; r < first + rows; r++) {
    for (let kt: i32 = 0; kt < p.kernel_t; kt++) {
      let acc = tap_accumulators(p, r, kt);
      if (!acc) continue;
      for (let f: i32 = 0; f < p.y_f; f++) {
        const f0 = f * p.stride_f - p.pad_f;
        const kf0 = first_tap(f0, dilation_f);
        const kf1 = end_tap(f0, dilation_f, x_f, kernel_f);
        for (let o: i32 = 0; o < y_c; o++) {
          const x = p.x + (r * x_f + f0) * x_c + (per == 1 ? o : o / per);
          const w = p.weights + kt * kernel_f * y_c + o; // s8 [kernel_f][y_c], of this tap and channel
          let sum = load<i32>(acc);
          for (let kf = kf0; kf < kf1; kf++) {
            sum += <i32>load<i8>(w + kf * y_c) * (<i32>load<i8>(x + kf * dilation_f * x_c) - zero);
          }
          store<i32>(acc, sum);
          acc += 4;
        }
      }
    }
  }
}
