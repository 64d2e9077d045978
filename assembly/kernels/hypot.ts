/**
 * hypot: the length of a vector of two elements, element by element, in int8 or int16.
 *
 * In: x and x2 [...][count], each s8 or s16.  Out: rows first to first + rows - 1 of y s8 or s16
 * [...][count].
 * Exact: quant/ops/hypot.ts. Cost: a square root of 27 bits per output.
 */
import { clamp, requantise } from "./fixed-point";


@unmanaged
export class HypotBlock {
  x: usize;
  y: usize;
  _8: i32;
  count: i32; // elements of a frame
  x2: usize; // address of the second input
  zero1: i32;
  zero2: i32;
  mult1: i32; // scales x to the larger of the two scales
  shift1: i32;
  mult2: i32;
  shift2: i32;
  y_zero: i32;
  min: i32;
  max: i32;
  mult_y: i32;
  shift_y: i32;
  wide: i32; // bit 0: x is s16, 1: x2, 2: y
}

/** Returns floor(sqrt(v)), v up to 2^53. */
function root(v: u64): i32 {
  let rest = v;
  let r: u64 = 0;
  for (let bit: u64 = (<u64>1) << 52; bit > 0; bit >>= 2) {
    if (rest >= r + bit) {
      rest -= r + bit;
      r = (r >> 1) + bit;
    } else r >>= 1;
  }
  return <i32>r;
}

/** Returns the square of an input in the larger scale, with 11 extra bits. */
// @ts-ignore: decorator
@inline
function square(x: usize, i: i32, wide: i32, zero: i32, mult: i32, shift: i32): u64 {
  const v = (wide ? <i32>load<i16>(x + (i << 1)) : <i32>load<i8>(x + i)) - zero;
  const t = <i64>requantise(v << 11, mult, shift);
  return <u64>(t * t);
}

export function hypot(p: HypotBlock, first: i32, rows: i32): void {
  const count = p.count;
  const wide = p.wide;
  for (let i = first * count; i < (first + rows) * count; i++) {
    const sum = square(p.x, i, wide & 1, p.zero1, p.mult1, p.shift1) + square(p.x2, i, wide & 2, p.zero2, p.mult2, p.shift2);
    const y = clamp(p.y_zero + requantise(root(sum), p.mult_y, p.shift_y), p.min, p.max);
    if (wide & 4) store<i16>(p.y + (i << 1), y);
    else store<i8>(p.y + i, y);
  }
}
