/**
 * Naive conv and dense, the baseline for the real kernels: one output and one multiply-add at a time.
 *
 * In: x s8 [x_rows][x_f][x_c], weights s8 [o][kt][kf][per], without padding in features.  Out: the same bytes
 * as assembly/kernels/conv.ts.
 */
import { TileBlock } from "./patch";
import { clamp, requantise } from "./fixed-point";

/** Returns sum w[i] * (x[i] - zero). */
function dot(x: usize, w: usize, n: i32, zero: i32): i32 {
  let sum = 0;
  for (let i: i32 = 0; i < n; i++) sum += <i32>load<i8>(w + i) * (<i32>load<i8>(x + i) - zero);
  return sum;
}

/** Stores output `o` of a position from its sum. */
function finish(p: TileBlock, y: usize, o: i32, sum: i32): void {
  const acc = sum + load<i32>(p.bias + 4 * o);
  const scaled = requantise(acc, load<i32>(p.multiplier + 4 * o), <i32>load<i8>(p.shift + o));
  store<i8>(y + o, clamp(p.y_zero + scaled, p.min, p.max));
}

export function conv_s8_native(p: TileBlock, first: i32, rows: i32): void {
  const y_c = p.y_c;
  const x_c = p.x_c;
  const x_f = p.x_f;
  const per = p.per;
  const kernel_t = p.kernel_t;
  const kernel_f = p.kernel_f;
  const zero = p.x_zero;
  const outputs = y_c / (x_c / per); // outputs per group
  let y = p.y + first * p.y_f * y_c;
  for (let t = first; t < first + rows; t++) {
    for (let f: i32 = 0; f < p.y_f; f++) {
      for (let o: i32 = 0; o < y_c; o++) {
        let sum = 0;
        let w = p.weights + o * kernel_t * kernel_f * per;
        for (let kt: i32 = 0; kt < kernel_t; kt++) {
          const row = t * p.stride_t - p.pad_t + kt * p.dilation_t;
          for (let kf: i32 = 0; kf < kernel_f; kf++) {
            const place = row * x_f + f * p.stride_f + kf * p.dilation_f;
            const x = p.x + place * x_c + (o / outputs) * per;
            if (row >= 0 && row < p.x_rows) sum += dot(x, w, per, zero);
            w += per;
          }
        }
        finish(p, y, o, sum);
      }
      y += y_c;
    }
  }
}

export function dense_s8_native(p: TileBlock): void {
  const n = p.per;
  for (let o: i32 = 0; o < p.y_c; o++) {
    finish(p, p.y, o, dot(p.x, p.weights + o * n, n, p.x_zero));
  }
}
