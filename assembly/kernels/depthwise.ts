/**
 * depthwise: one filter per output channel in int8.
 *
 * In: X s8 [X_ROWS][X_F][X_C].  Out: rows first to first + rows - 1 of Y s8 [...][Y_F][Y_C], Y_C = X_C * PER; output o reads input channel o / PER.
 * acc = bias + sum w[kt][kf][o] * (x - x_zero).  Padded taps are skipped.  Exact: quant/ops/depthwise.ts.
 */
import {
  BIAS,
  DILATION_F,
  DILATION_T,
  KERNEL_F,
  KERNEL_T,
  MAX,
  MIN,
  MULTIPLIER,
  PAD_F,
  PAD_T,
  PER,
  SHIFT,
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
  Y_ZERO,
} from "./block";
import { clamp, end_tap, first_tap, requantise } from "./fixed-point";
import { tap_accumulators } from "./taps";

/** Requantises output channel `o` and stores it. */
function finish(p: usize, y: usize, o: i32, acc: i32): void {
  const m = load<i32>(load<i32>(p, MULTIPLIER) + (o << 2));
  const s = <i32>load<i8>(load<i32>(p, SHIFT) + o);
  const bias = load<i32>(load<i32>(p, BIAS) + (o << 2));
  store<i8>(y + o, clamp(load<i32>(p, Y_ZERO) + requantise(acc + bias, m, s), load<i32>(p, MIN), load<i32>(p, MAX)));
}

/** Channels 0, 1, ... four at a time, where each has one filter and taps lie in time alone; returns how many were made. */
function depthwise_four_s8(
  p: usize,
  y: usize, // s8 [y_c]
  x: usize, // s8 [taps][x_pitch], from the first tap
  w: usize, // s8 [taps][y_c]
  taps: i32,
  x_pitch: i32,
): i32 {
  const zero = load<i32>(p, X_ZERO);
  const y_c = load<i32>(p, Y_C);
  const end = y_c & ~3;
  for (let o: i32 = 0; o < end; o += 4) {
    let from = x + o;
    let at = w + o;
    let a0 = 0;
    let a1 = 0;
    let a2 = 0;
    let a3 = 0;
    for (let k: i32 = 0; k < taps; k++) {
      a0 += <i32>load<i8>(at) * (<i32>load<i8>(from) - zero);
      a1 += <i32>load<i8>(at, 1) * (<i32>load<i8>(from, 1) - zero);
      a2 += <i32>load<i8>(at, 2) * (<i32>load<i8>(from, 2) - zero);
      a3 += <i32>load<i8>(at, 3) * (<i32>load<i8>(from, 3) - zero);
      from += x_pitch;
      at += y_c;
    }
    finish(p, y, o, a0);
    finish(p, y, o + 1, a1);
    finish(p, y, o + 2, a2);
    finish(p, y, o + 3, a3);
  }
  return end;
}

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
      let o: i32 = 0;
      if (per == 1 && kernel_f == 1) {
        const x = load<i32>(p, X) + ((t0 + kt0 * dilation_t) * x_f + f0) * x_c;
        o = depthwise_four_s8(p, y, x, load<i32>(p, WEIGHTS) + kt0 * y_c, kt1 > kt0 && kf1 > kf0 ? kt1 - kt0 : 0, x_pitch);
      }
      for (; o < y_c; o++) {
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
