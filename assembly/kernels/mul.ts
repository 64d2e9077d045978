/**
 * mul: element-wise product of two int8 tensors.
 *
 * In: x s8 [...][count], x2 s8 [period], repeated.  Out: rows first to first + rows - 1 of y s8 [...][count].
 * Exact: quant/ops/mul.ts.
 */
import { clamp, requantise } from "./fixed-point";


@unmanaged
export class MulBlock {
  x: usize;
  y: usize;
  _8: i32;
  count: i32; // elements of a frame
  x2: usize; // address of the second input
  zero1: i32;
  zero2: i32;
  y_zero: i32;
  min: i32;
  max: i32;
  mult_y: i32;
  shift_y: i32;
  period: i32; // elements of the second input; it repeats along the first
}

export function mul_s8(p: MulBlock, first: i32, rows: i32): void {
  const count = p.count;
  const period = p.period;
  let j = (first * count) % period;
  for (let i = first * count; i < (first + rows) * count; i++) {
    const a = <i32>load<i8>(p.x + i) - p.zero1;
    const b = <i32>load<i8>(p.x2 + j) - p.zero2;
    const y = p.y_zero + requantise(a * b, p.mult_y, p.shift_y);
    if (++j == period) j = 0;
    store<i8>(p.y + i, clamp(y, p.min, p.max));
  }
}
