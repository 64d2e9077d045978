/**
 * add and activation in int16, element by element.
 *
 * add: x, x2 and y s16 [...][count]; both inputs are brought to one scale with 15 extra bits.  activation: a
 * rescale between int8 and int16, or a leaky ReLU. Its multiplier is `mult1` from the zero point on and
 * `mult2` below it; the result of `mult2` is negated if `negate` is 1. Out: rows first to first + rows - 1 of
 * y.  Exact: quant/ops/add.ts, quant/ops/activation.ts.
 */
import { AddBlock, term } from "./add";
import { clamp, requantise } from "./fixed-point";
import { MINUS } from "./needs";

/** Block of a rescale or a leaky ReLU. */
@unmanaged
export class RescaleBlock {
  x: usize;
  y: usize;
  _8: i32;
  count: i32; // elements of a frame
  _16: i32;
  x_zero: i32;
  _24: i32;
  y_zero: i32;
  min: i32;
  max: i32;
  negate: i32; // 1: results of mult2, below the zero point, are negated
  _44: i32;
  _48: i32;
  mult1: i32;
  shift1: i32;
  mult2: i32;
  shift2: i32;
}

export function add_s16(p: AddBlock, first: i32, rows: i32): void {
  const count = p.count;
  for (let i = first * count; i < (first + rows) * count; i++) {
    const a = (<i32>load<i16>(p.x + (i << 1))) << 15;
    const b = (<i32>load<i16>(p.x2 + (i << 1))) << 15;
    const sum = MINUS
      ? term(a, p.mult1, p.shift1) + term(b, p.mult2, p.shift2)
      : requantise(a, p.mult1, p.shift1) + requantise(b, p.mult2, p.shift2);
    const y = requantise(sum, p.mult_y, p.shift_y);
    store<i16>(p.y + (i << 1), clamp(y, p.min, p.max));
  }
}

function activation_int16<TX, TY>(p: RescaleBlock, first: i32, rows: i32): void {
  const count = p.count;
  const zero = p.x_zero;
  let x = p.x + first * count * <i32>sizeof<TX>();
  let y = p.y + first * count * <i32>sizeof<TY>();
  for (let n = rows * count; n > 0; n--) {
    const v = <i32>load<TX>(x) - zero;
    let q: i32;
    if (v >= 0) q = requantise(v, p.mult1, p.shift1);
    else {
      q = requantise(v, p.mult2, p.shift2);
      if (p.negate) q = -q;
    }
    store<TY>(y, <TY>clamp(q + p.y_zero, p.min, p.max));
    x += sizeof<TX>();
    y += sizeof<TY>();
  }
}

export function activation_s16(p: RescaleBlock, first: i32, rows: i32): void {
  activation_int16<i16, i16>(p, first, rows);
}

export function activation_s16_s8(p: RescaleBlock, first: i32, rows: i32): void {
  activation_int16<i16, i8>(p, first, rows);
}

export function activation_s8_s16(p: RescaleBlock, first: i32, rows: i32): void {
  activation_int16<i8, i16>(p, first, rows);
}
