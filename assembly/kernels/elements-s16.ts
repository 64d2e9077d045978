/**
 * add and activation in int16, element by element.
 *
 * add: X, X2 and Y s16 [...][COUNT], both inputs brought to one scale with 15 extra bits.  activation: a rescale between int8 and int16, or a leaky ReLU:
 * multipliers MULT1 from the zero point on, MULT2 below it, whose result is negated where NEGATE is 1.
 * Out: rows first to first + rows - 1 of Y.  Exact: quant/ops/add.ts, quant/ops/activation.ts.
 */
import { B_MAX, B_MIN, B_Y_ZERO, COUNT, MULT1, MULT2, MULT_Y, NEGATE, SHIFT1, SHIFT2, SHIFT_Y, X, X2, Y, ZERO1 } from "./block";
import { clamp, requantise } from "./fixed-point";

export function add_s16(p: usize, first: i32, rows: i32): void {
  const count = load<i32>(p, COUNT);
  for (let i = first * count; i < (first + rows) * count; i++) {
    const a = (<i32>load<i16>(load<i32>(p, X) + (i << 1))) << 15;
    const b = (<i32>load<i16>(load<i32>(p, X2) + (i << 1))) << 15;
    const sum =
      requantise(a, load<i32>(p, MULT1), load<i32>(p, SHIFT1)) + requantise(b, load<i32>(p, MULT2), load<i32>(p, SHIFT2));
    const y = requantise(sum, load<i32>(p, MULT_Y), load<i32>(p, SHIFT_Y));
    store<i16>(load<i32>(p, Y) + (i << 1), clamp(y, load<i32>(p, B_MIN), load<i32>(p, B_MAX)));
  }
}

function activation_int16<TX, TY>(p: usize, first: i32, rows: i32): void {
  const count = load<i32>(p, COUNT);
  const zero = load<i32>(p, ZERO1);
  let x = <usize>(load<i32>(p, X) + first * count * <i32>sizeof<TX>());
  let y = <usize>(load<i32>(p, Y) + first * count * <i32>sizeof<TY>());
  for (let n = rows * count; n > 0; n--) {
    const v = <i32>load<TX>(x) - zero;
    let q: i32;
    if (v >= 0) q = requantise(v, load<i32>(p, MULT1), load<i32>(p, SHIFT1));
    else {
      q = requantise(v, load<i32>(p, MULT2), load<i32>(p, SHIFT2));
      if (load<i32>(p, NEGATE)) q = -q;
    }
    store<TY>(y, <TY>clamp(q + load<i32>(p, B_Y_ZERO), load<i32>(p, B_MIN), load<i32>(p, B_MAX)));
    x += sizeof<TX>();
    y += sizeof<TY>();
  }
}

export function activation_s16(p: usize, first: i32, rows: i32): void {
  activation_int16<i16, i16>(p, first, rows);
}

export function activation_s16_s8(p: usize, first: i32, rows: i32): void {
  activation_int16<i16, i8>(p, first, rows);
}

export function activation_s8_s16(p: usize, first: i32, rows: i32): void {
  activation_int16<i8, i16>(p, first, rows);
}
