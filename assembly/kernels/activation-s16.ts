/**
 * activation in int16: sigmoid and tanh by linear interpolation between 256 entries of the logistic function.
 *
 * In: x s16 [...][count].  Out: rows first to first + rows - 1 of y s16 [...][count]. `bits` is 9 for
 * sigmoid, 8 for tanh. mult1 and shift1 (to the right) scale x to steps of the table; mult_y and shift_y
 * scale the result to the output.
 * Exact: quant/ops/curves.ts.
 */
import { clamp, requantise } from "./fixed-point";


@unmanaged
export class CurveBlock {
  x: usize;
  y: usize;
  _8: i32;
  count: i32; // elements of a frame
  table: usize; // address, u16 [256], 16 fraction bits
  bits: i32; // fraction bits of an input below its index in the table
  mult1: i32;
  shift1: i32;
  mult_y: i32;
  shift_y: i32;
  min: i32;
  max: i32;
}

/** Returns the function at q, with 15 fraction bits. */
function sigmoidal(p: CurveBlock, q: i32): i32 {
  const bits = p.bits;
  const half = p.shift1 > 0 ? (<i64>1) << (p.shift1 - 1) : 0;
  const x = (<i64>q * <i64>p.mult1 + half) >> p.shift1;
  const size = x < 0 ? -x : x;
  let r = bits == 9 ? 0x7fff << 10 : 0xffff << 8;
  if (size >> bits < 255) {
    const at = p.table + ((<i32>(size >> bits)) << 1);
    const base = <i32>load<u16>(at);
    r = (base << bits) + ((<i32>size) & ((1 << bits) - 1)) * (<i32>load<u16>(at, 2) - base);
  }
  if (bits == 9) return (x >= 0 ? r + (1 << 9) : (1 << 25) - r + (1 << 9) - 1) >> 10;
  r -= 1 << 23;
  return (x >= 0 ? r + (1 << 7) : (1 << 7) - 1 - r) >> 8;
}

export function activation_curve_s16(p: CurveBlock, first: i32, rows: i32): void {
  const count = p.count;
  for (let i = first * count; i < (first + rows) * count; i++) {
    const r = sigmoidal(p, <i32>load<i16>(p.x + (i << 1)));
    store<i16>(p.y + (i << 1), clamp(requantise(r, p.mult_y, p.shift_y), p.min, p.max));
  }
}
