/**
 * add: element-wise sum or difference of two int8 tensors of different scales.
 *
 * In: x s8 [...][count], x2 s8 [period], repeated.  Out: rows first to first + rows - 1 of y s8 [...][count].
 * Both inputs are brought to one scale with 20 extra bits.  Exact: quant/ops/add.ts.
 */
import { clamp, requantise } from "./fixed-point";
import { MulBlock } from "./mul";
import { MINUS } from "./needs";


@unmanaged
export class AddBlock extends MulBlock {
  mult1: i32; // negative: this input is subtracted
  shift1: i32;
  mult2: i32; // negative: this input is subtracted
  shift2: i32;
}

/** Returns an input in the scale of the sum. */
// @ts-ignore: decorator
@inline
export function term(x: i32, multiplier: i32, shift: i32): i32 {
  const y = requantise(x, abs(multiplier), shift);
  return multiplier < 0 ? -y : y;
}

export function add_s8(p: AddBlock, first: i32, rows: i32): void {
  const count = p.count;
  const period = p.period;
  let j = (first * count) % period;
  for (let i = first * count; i < (first + rows) * count; i++) {
    const a = (<i32>load<i8>(p.x + i) - p.zero1) << 20;
    const b = (<i32>load<i8>(p.x2 + j) - p.zero2) << 20;
    const sum = MINUS
      ? term(a, p.mult1, p.shift1) + term(b, p.mult2, p.shift2)
      : requantise(a, p.mult1, p.shift1) + requantise(b, p.mult2, p.shift2);
    const y = p.y_zero + requantise(sum, p.mult_y, p.shift_y);
    if (++j == period) j = 0;
    store<i8>(p.y + i, clamp(y, p.min, p.max));
  }
}
