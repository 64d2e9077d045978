/**
 * softmax over the channels of each row in int8.
 *
 * In: x s8 [...][frame_rows][count].  Out: frames first to first + rows - 1 of y, the same shape, scale
 * 1/256, zero point -128.  table i32 [256]: exp of the scaled difference to the row's maximum, Q0.31.  The
 * reciprocal of the sum takes three Newton-Raphson steps.  Exact: quant/ops/softmax.ts.
 */
import { mul_high } from "./fixed-point";


@unmanaged
export class SoftmaxBlock {
  x: usize;
  y: usize;
  _8: i32;
  count: i32; // elements of a row
  table: usize; // address, i32 [256]
  frame_rows: i32; // rows of a frame
}

/** Returns x / 2^exponent, halves rounded up; x is not negative, and the exponent is 1 to 31. */
// @ts-ignore: decorator
@inline
function rounded(x: i32, exponent: i32): i32 {
  return <i32>((<u32>(x + (1 << (exponent - 1)))) >> exponent);
}

/** Returns 1 / (1 + x) in Q0.31, x in [0, 1] in Q0.31. No Newton-Raphson step overflows int32 there. */
// @ts-ignore: decorator
@inline
function one_over_one_plus(x: i32): i32 {
  const half = <i32>((<i64>x + i32.MAX_VALUE + 1) >> 1);
  let y = 1515870810 + mul_high(half, -1010580540);
  for (let i: i32 = 0; i < 3; i++) y += mul_high(y, (1 << 29) - mul_high(half, y)) << 2;
  return y > 0x3fffffff ? i32.MAX_VALUE : y << 1;
}

export function softmax_s8(p: SoftmaxBlock, first: i32, rows: i32): void {
  const n = p.count;
  const table = p.table;
  const per = p.frame_rows; // rows of COUNT elements in a frame
  for (let r = first * per; r < (first + rows) * per; r++) {
    const x = p.x + r * n; // s8 [n]
    const y = p.y + r * n; // s8 [n]
    let top = -128;
    for (let i: i32 = 0; i < n; i++) top = max(top, <i32>load<i8>(x + i));
    let sum = 0;
    for (let i: i32 = 0; i < n; i++) sum += rounded(load<i32>(table + ((top - <i32>load<i8>(x + i)) << 2)), 12);
    const headroom = clz(sum);
    const scale = one_over_one_plus((sum << headroom) - i32.MIN_VALUE);
    for (let i: i32 = 0; i < n; i++) {
      const e = load<i32>(table + ((top - <i32>load<i8>(x + i)) << 2));
      // below 4 (more than 256 nearly equal values) the quotient is below a half
      store<i8>(y + i, headroom < 4 ? -128 : min(127, rounded(mul_high(scale, e), 35 - headroom) - 128));
    }
  }
}
