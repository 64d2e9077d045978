/**
 * mul: element-wise product of two int8 tensors.
 *
 * In: X s8 [...][COUNT], X2 s8 [PERIOD], repeated.  Out: rows first to first + rows - 1 of Y s8 [...][COUNT].  Exact: quant/ops/mul.ts.
 */
import { B_MAX, B_MIN, B_Y_ZERO, COUNT, MULT_Y, PERIOD, SHIFT_Y, X, X2, Y, ZERO1, ZERO2 } from "./block";
import { clamp, requantise } from "./fixed-point";

export function mul_s8(p: usize, first: i32, rows: i32): void {
  const count = load<i32>(p, COUNT);
  const period = load<i32>(p, PERIOD);
  let j = (first * count) % period;
  for (let i = first * count; i < (first + rows) * count; i++) {
    const a = <i32>load<i8>(load<i32>(p, X) + i) - load<i32>(p, ZERO1);
    const b = <i32>load<i8>(load<i32>(p, X2) + j) - load<i32>(p, ZERO2);
    const y = load<i32>(p, B_Y_ZERO) + requantise(a * b, load<i32>(p, MULT_Y), load<i32>(p, SHIFT_Y));
    if (++j == period) j = 0;
    store<i8>(load<i32>(p, Y) + i, clamp(y, load<i32>(p, B_MIN), load<i32>(p, B_MAX)));
  }
}
