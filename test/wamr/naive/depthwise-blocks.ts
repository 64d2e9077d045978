/**
 * depthwise, one filter a channel, as anybody would write it first: one channel after the other, one multiply-add at a time.
 *
 * In: X s8 [X_ROWS][X_F][X_C], weights s8 [kt][o], taps in time alone.  Out: as assembly/kernels/depthwise.ts, the same bytes.
 */
import {
  BIAS,
  DILATION_T,
  KERNEL_T,
  MAX,
  MIN,
  MULTIPLIER,
  PAD_T,
  SHIFT,
  STRIDE_T,
  WEIGHTS,
  X,
  X_ROWS,
  X_ZERO,
  Y,
  Y_C,
  Y_ZERO,
} from "./block";
import { clamp, requantise } from "./fixed-point";

export function depthwise_s8_blocks(p: usize, first: i32, rows: i32): void {
  const y_c = load<i32>(p, Y_C);
  const kernel = load<i32>(p, KERNEL_T);
  const dilation = load<i32>(p, DILATION_T);
  const zero = load<i32>(p, X_ZERO);
  const x_rows = load<i32>(p, X_ROWS);
  for (let t = first; t < first + rows; t++) {
    for (let o: i32 = 0; o < y_c; o++) {
      let acc = load<i32>(load<i32>(p, BIAS) + 4 * o);
      const x = load<i32>(p, X) + o;
      const w = load<i32>(p, WEIGHTS) + o;
      const start = t * load<i32>(p, STRIDE_T) - load<i32>(p, PAD_T);
      for (let k: i32 = 0; k < kernel; k++) {
        const row = start + k * dilation;
        if (row >= 0 && row < load<i32>(p, X_ROWS)) acc += <i32>load<i8>(w + k * y_c) * (<i32>load<i8>(x + row * y_c) - zero);
      }
      const scaled = requantise(acc, load<i32>(load<i32>(p, MULTIPLIER) + 4 * o), <i32>load<i8>(load<i32>(p, SHIFT) + o));
      store<i8>(load<i32>(p, Y) + t * y_c + o, clamp(load<i32>(p, Y_ZERO) + scaled, load<i32>(p, MIN), load<i32>(p, MAX)));
    }
  }
}
