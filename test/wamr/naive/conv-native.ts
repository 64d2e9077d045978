/**
 * conv and dense as anybody would write them first: one output after the other, one multiply-add at a time. What the kernels are measured against.
 *
 * In: X s8 [X_ROWS][X_F][X_C], weights s8 [o][kt][kf][per], without padding in features.  Out: as assembly/kernels/conv.ts, the same bytes.
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
import { clamp, requantise } from "./fixed-point";

/** sum w[i] * (x[i] - zero) */
function dot(x: usize, w: usize, n: i32, zero: i32): i32 {
  let sum = 0;
  for (let i: i32 = 0; i < n; i++) sum += <i32>load<i8>(w + i) * (<i32>load<i8>(x + i) - zero);
  return sum;
}

/** Output `o` of a place from its sum. */
function finish(p: usize, y: usize, o: i32, sum: i32): void {
  const acc = sum + load<i32>(load<i32>(p, BIAS) + 4 * o);
  const scaled = requantise(acc, load<i32>(load<i32>(p, MULTIPLIER) + 4 * o), <i32>load<i8>(load<i32>(p, SHIFT) + o));
  store<i8>(y + o, clamp(load<i32>(p, Y_ZERO) + scaled, load<i32>(p, MIN), load<i32>(p, MAX)));
}

export function conv_s8_native(p: usize, first: i32, rows: i32): void {
  const y_c = load<i32>(p, Y_C);
  const x_c = load<i32>(p, X_C);
  const x_f = load<i32>(p, X_F);
  const per = load<i32>(p, PER);
  const kernel_t = load<i32>(p, KERNEL_T);
  const kernel_f = load<i32>(p, KERNEL_F);
  const zero = load<i32>(p, X_ZERO);
  const outputs = y_c / (x_c / per); // of a group
  let y = <usize>(load<i32>(p, Y) + first * load<i32>(p, Y_F) * y_c);
  for (let t = first; t < first + rows; t++) {
    for (let f: i32 = 0; f < load<i32>(p, Y_F); f++) {
      for (let o: i32 = 0; o < y_c; o++) {
        let sum = 0;
        let w = <usize>(load<i32>(p, WEIGHTS) + o * kernel_t * kernel_f * per);
        for (let kt: i32 = 0; kt < kernel_t; kt++) {
          const row = t * load<i32>(p, STRIDE_T) - load<i32>(p, PAD_T) + kt * load<i32>(p, DILATION_T);
          for (let kf: i32 = 0; kf < kernel_f; kf++) {
            const place = row * x_f + f * load<i32>(p, STRIDE_F) + kf * load<i32>(p, DILATION_F);
            const x = load<i32>(p, X) + place * x_c + (o / outputs) * per;
            if (row >= 0 && row < load<i32>(p, X_ROWS)) sum += dot(x, w, per, zero);
            w += per;
          }
        }
        finish(p, y, o, sum);
      }
      y += y_c;
    }
  }
}

export function dense_s8_native(p: usize): void {
  const n = load<i32>(p, PER);
  for (let o: i32 = 0; o < load<i32>(p, Y_C); o++) {
    finish(p, load<i32>(p, Y), o, dot(load<i32>(p, X), load<i32>(p, WEIGHTS) + o * n, n, load<i32>(p, X_ZERO)));
  }
}
