/**
 * depthwise: one filter per output channel in int8.
 *
 * In: X s8 [X_ROWS][X_F][X_C].  Out: rows first to first + rows - 1 of Y s8 [...][Y_F][Y_C], Y_C = X_C * PER; output o reads input channel o / PER.
 * acc = bias + sum w[kt][kf][o] * (x - x_zero).  Padded taps are skipped.  Plain: for several filters a channel; depthwise-simd.ts and depthwise-blocks.ts do one.  Exact: quant/ops/depthwise.ts.
 */
import {
  DILATION_F,
  DILATION_T,
  KERNEL_F,
  KERNEL_T,
  PAD_F,
  PAD_T,
  PER,
  STRIDE_F,
  STRIDE_T,
  WEIGHTS,
  X,
  X_C,
  X_F,
  X_ROWS,
  X_ZERO,
  Y,
  Y_C,
  Y_F,
} from "./block";
import { end_tap, finish, first_tap } from "./fixed-point";
import { tap_accumulators } from "./taps";

export function depthwise_s8(p: usize, first: i32, rows: i32): void {
  const x_f = load<i32>(p, X_F);
  const x_c = load<i32>(p, X_C);
  const y_c = load<i32>(p, Y_C);
  const kernel_f = load<i32>(p, KERNEL_F);
  const dilation_t = load<i32>(p, DILATION_T);
  const dilation_f = load<i32>(p, DILATION_F);
  const per = load<i32>(p, PER);
  const zero = load<i32>(p, X_ZERO);
  const x_pitch = dilation_t * x_f * x_c; // from one tap in time to the next
  const w_pitch = kernel_f * y_c;
  let y = <usize>(load<i32>(p, Y) + first * load<i32>(p, Y_F) * y_c);
  for (let t = first; t < first + rows; t++) {
    const t0 = t * load<i32>(p, STRIDE_T) - load<i32>(p, PAD_T);
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, load<i32>(p, X_ROWS), load<i32>(p, KERNEL_T));
    for (let f: i32 = 0; f < load<i32>(p, Y_F); f++) {
      const f0 = f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F);
      const kf0 = first_tap(f0, dilation_f);
      const kf1 = end_tap(f0, dilation_f, x_f, kernel_f);
      for (let o: i32 = 0; o < y_c; o++) {
        const x = load<i32>(p, X) + (per == 1 ? o : o / per); // s8 [x_rows][x_f][x_c], from this channel
        const w = load<i32>(p, WEIGHTS) + o; // s8 [kernel_t][kernel_f][y_c], from this channel
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

/** Adds the taps of input rows first to first + rows - 1 to the accumulators of the rows that they belong to (taps.ts). */
export function depthwise_taps_s8(p: usize, first: i32, rows: i32): void {
  const x_f = load<i32>(p, X_F);
  const x_c = load<i32>(p, X_C);
  const y_c = load<i32>(p, Y_C);
  const kernel_f = load<i32>(p, KERNEL_F);
  const dilation_f = load<i32>(p, DILATION_F);
  const per = load<i32>(p, PER);
  const zero = load<i32>(p, X_ZERO);
  for (let r = first; r < first + rows; r++) {
    for (let kt: i32 = 0; kt < load<i32>(p, KERNEL_T); kt++) {
      let acc = tap_accumulators(p, r, kt);
      if (!acc) continue;
      for (let f: i32 = 0; f < load<i32>(p, Y_F); f++) {
        const f0 = f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F);
        const kf0 = first_tap(f0, dilation_f);
        const kf1 = end_tap(f0, dilation_f, x_f, kernel_f);
        for (let o: i32 = 0; o < y_c; o++) {
          const x = load<i32>(p, X) + (r * x_f + f0) * x_c + (per == 1 ? o : o / per);
          const w = load<i32>(p, WEIGHTS) + kt * kernel_f * y_c + o; // s8 [kernel_f][y_c], of this tap and channel
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
