/**
 * conv: convolution over time and features in int8, grouped.
 *
 * In: X s8 [X_ROWS][X_F][X_C].  Out: rows first to first + rows - 1 of Y s8 [...][Y_F][Y_C].  acc = bias + sum w * (x - x_zero); y = clamp(y_zero + requantise(acc)).
 * Padded taps are skipped (they hold the zero point).  Exact: quant/ops/conv.ts.
 * Cost: one multiply-add a tap; taps that lie side by side in memory (1-D convolutions) are one run, for four outputs at a time.
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

/** sum w[i] * (x[i] - zero) */
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

// @ts-ignore: decorator
@inline
function dot_four(w: usize, v0: i32, v1: i32, v2: i32, v3: i32): i32 {
  return <i32>load<i8>(w) * v0 + <i32>load<i8>(w, 1) * v1 + <i32>load<i8>(w, 2) * v2 + <i32>load<i8>(w, 3) * v3;
}

/** Requantises output channel `o` and stores it. */
function finish(p: usize, y: usize, o: i32, acc: i32): void {
  const m = load<i32>(load<i32>(p, MULTIPLIER) + (o << 2));
  const s = <i32>load<i8>(load<i32>(p, SHIFT) + o);
  const bias = load<i32>(load<i32>(p, BIAS) + (o << 2));
  store<i8>(y + o, clamp(load<i32>(p, Y_ZERO) + requantise(acc + bias, m, s), load<i32>(p, MIN), load<i32>(p, MAX)));
}

/** Outputs 0, 1, ... four at a time, which share their n inputs; returns how many were made. */
function conv_four_s8(
  p: usize,
  y: usize, // s8 [y_c]
  x: usize, // s8 [n]
  w: usize, // s8 [y_c][pitch], from the first tap inside
  n: i32,
  pitch: i32,
): i32 {
  const zero = load<i32>(p, X_ZERO);
  const end = load<i32>(p, Y_C) & ~3;
  for (let o: i32 = 0; o < end; o += 4) {
    const w1 = w + pitch;
    const w2 = w1 + pitch;
    const w3 = w2 + pitch;
    let a0 = 0;
    let a1 = 0;
    let a2 = 0;
    let a3 = 0;
    let i: i32 = 0;
    for (; i + 4 <= n; i += 4) {
      const v0 = <i32>load<i8>(x + i) - zero;
      const v1 = <i32>load<i8>(x + i, 1) - zero;
      const v2 = <i32>load<i8>(x + i, 2) - zero;
      const v3 = <i32>load<i8>(x + i, 3) - zero;
      a0 += dot_four(w + i, v0, v1, v2, v3);
      a1 += dot_four(w1 + i, v0, v1, v2, v3);
      a2 += dot_four(w2 + i, v0, v1, v2, v3);
      a3 += dot_four(w3 + i, v0, v1, v2, v3);
    }
    for (; i < n; i++) {
      const v = <i32>load<i8>(x + i) - zero;
      a0 += <i32>load<i8>(w + i) * v;
      a1 += <i32>load<i8>(w1 + i) * v;
      a2 += <i32>load<i8>(w2 + i) * v;
      a3 += <i32>load<i8>(w3 + i) * v;
    }
    finish(p, y, o, a0);
    finish(p, y, o + 1, a1);
    finish(p, y, o + 2, a2);
    finish(p, y, o + 3, a3);
    w = w3 + pitch;
  }
  return end;
}

export function conv_s8(p: usize, first: i32, rows: i32): void {
  const x_rows = load<i32>(p, X_ROWS);
  const x_f = load<i32>(p, X_F);
  const x_c = load<i32>(p, X_C);
  const y_c = load<i32>(p, Y_C);
  const kernel_t = load<i32>(p, KERNEL_T);
  const kernel_f = load<i32>(p, KERNEL_F);
  const dilation_t = load<i32>(p, DILATION_T);
  const dilation_f = load<i32>(p, DILATION_F);
  const per = load<i32>(p, PER);
  const zero = load<i32>(p, X_ZERO);
  const out_per = y_c / (x_c / per);
  const beside_f = per == x_c && dilation_f == 1; // the taps of one row are one run
  const beside_t = beside_f && dilation_t == 1 && kernel_f == x_f; // the rows are, too
  let y = <usize>(load<i32>(p, Y) + first * load<i32>(p, Y_F) * y_c);
  for (let t = first; t < first + rows; t++) {
    const t0 = t * load<i32>(p, STRIDE_T) - load<i32>(p, PAD_T);
    const kt0 = first_tap(t0, dilation_t);
    const kt1 = end_tap(t0, dilation_t, x_rows, kernel_t);
    for (let f: i32 = 0; f < load<i32>(p, Y_F); f++) {
      const f0 = f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F);
      const kf0 = first_tap(f0, dilation_f);
      const kf1 = end_tap(f0, dilation_f, x_f, kernel_f);
      const whole = beside_t && kf1 - kf0 == kernel_f;
      const taps = (kt1 - kt0) * kernel_f * per;
      const from = load<i32>(p, X) + (t0 + kt0) * x_f * x_c; // where the taps are one run
      const w0 = load<i32>(p, WEIGHTS) + kt0 * kernel_f * per;
      for (let o = whole ? conv_four_s8(p, y, from, w0, taps, kernel_t * kernel_f * per) : 0; o < y_c; o++) {
        const w = load<i32>(p, WEIGHTS) + o * kernel_t * kernel_f * per; // s8 [kernel_t][kernel_f][per]
        const group = load<i32>(p, X) + (o / out_per) * per; // s8 [x_rows][x_f][x_c], from the group's first channel
        let acc = 0;
        if (whole) {
          acc = dot_s8(from, w + kt0 * kernel_f * per, taps, zero);
        } else {
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
        }
        finish(p, y, o, acc);
      }
      y += y_c;
    }
  }
}

/** Adds the taps of input rows first to first + rows - 1 to the accumulators of the rows that they belong to (taps.ts). */
export function conv_taps_s8(p: usize, first: i32, rows: i32): void {
  const x_f = load<i32>(p, X_F);
  const x_c = load<i32>(p, X_C);
  const y_c = load<i32>(p, Y_C);
  const kernel_t = load<i32>(p, KERNEL_T);
  const kernel_f = load<i32>(p, KERNEL_F);
  const dilation_f = load<i32>(p, DILATION_F);
  const per = load<i32>(p, PER);
  const zero = load<i32>(p, X_ZERO);
  const out_per = y_c / (x_c / per);
  const beside_f = per == x_c && dilation_f == 1;
  for (let r = first; r < first + rows; r++) {
    for (let kt: i32 = 0; kt < kernel_t; kt++) {
      let acc = tap_accumulators(p, r, kt);
      if (!acc) continue;
      for (let f: i32 = 0; f < load<i32>(p, Y_F); f++) {
        const f0 = f * load<i32>(p, STRIDE_F) - load<i32>(p, PAD_F);
        const kf0 = first_tap(f0, dilation_f);
        const kf1 = end_tap(f0, dilation_f, x_f, kernel_f);
        for (let o: i32 = 0; o < y_c; o++) {
          const w = load<i32>(p, WEIGHTS) + (o * kernel_t + kt) * kernel_f * per; // s8 [kernel_f][per], of this tap
          const x = load<i32>(p, X) + (r * x_f + f0) * x_c + (o / out_per) * per;
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
