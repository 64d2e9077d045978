/**
 * Naive depthwise with one filter per channel, the baseline for the real kernel: one channel after the other,
 * one multiply-add at a time.
 *
 * In: x s8 [x_rows][x_f][x_c], weights s8 [kt][o], taps in time only.  Out: the same bytes as
 * assembly/kernels/depthwise.ts.
 */
import { TileBlock } from "./patch";
import { clamp, requantise } from "./fixed-point";

export function depthwise_s8_blocks(p: TileBlock, first: i32, rows: i32): void {
  const y_c = p.y_c;
  const kernel = p.kernel_t;
  const dilation = p.dilation_t;
  const zero = p.x_zero;
  const x_rows = p.x_rows;
  for (let t = first; t < first + rows; t++) {
    for (let o: i32 = 0; o < y_c; o++) {
      let acc = load<i32>(p.bias + 4 * o);
      const x = p.x + o;
      const w = p.weights + o;
      const start = t * p.stride_t - p.pad_t;
      for (let k: i32 = 0; k < kernel; k++) {
        const row = start + k * dilation;
        if (row >= 0 && row < p.x_rows) acc += <i32>load<i8>(w + k * y_c) * (<i32>load<i8>(x + row * y_c) - zero);
      }
      const scaled = requantise(acc, load<i32>(p.multiplier + 4 * o), <i32>load<i8>(p.shift + o));
      store<i8>(p.y + t * y_c + o, clamp(p.y_zero + scaled, p.min, p.max));
    }
  }
}
