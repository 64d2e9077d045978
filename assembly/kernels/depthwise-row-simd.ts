/**
 * depthwise with SIMD128 for layers that make one row at a time, of one feature, without padding: two taps a multiplication, sixteen channels at a time.
 *
 * In: X s8 [X_ROWS][X_C].  Out: as depthwise.ts with PER 1.  Weights s16 [Y_C / 16][KERNEL_T / 2][16][2], filled up with zeros. Inputs keep their zero
 * point, which BIAS takes off.
 * Two rows are zipped byte by byte, and become int16 as 256 times themselves, which is one instruction where a sign takes two. So BIAS is 256 times
 * as large too, MULTIPLIER a 256th, and |sum| below 2^23.
 * Exact: int32 sums in another order.  Up to fifteen channels past the last, and a row past the last of an odd kernel, are read; their sums are
 * dropped, their weights 0.
 */
import { BIAS, DILATION_T, KERNEL_T, MAGIC, MULTIPLIER, SHIFT, STRIDE_T, SUMS, WEIGHTS, X, Y, Y_C, Y_ZERO } from "./block";
import { below_of, finish_eight, is_exact, mac } from "./mac-simd";
import { DILATIONS } from "./needs";

/** Bits that sums are shifted up by. */
const UP = 8;

// @ts-ignore: decorator
@inline
function zip_low(u: v128, v: v128): v128 {
  return v128.shuffle<i8>(u, v, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function zip_high(u: v128, v: v128): v128 {
  return v128.shuffle<i8>(u, v, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** All channels of the row whose first taps are at x. */
function row(p: usize, y: usize, x: usize): void {
  const y_c = load<i32>(p, Y_C);
  const next = DILATIONS ? load<i32>(p, DILATION_T) * y_c : y_c;
  const exact = is_exact(p);
  const magic = v128.load_splat<i32>(p, MAGIC);
  const zero = v128.load_splat<i32>(p, Y_ZERO);
  let w = <usize>load<i32>(p, WEIGHTS);
  let table: usize = 0;
  for (let left = y_c; left > 0;) {
    const bias = load<i32>(p, BIAS) + table;
    let a0 = v128.load(bias);
    let a1 = v128.load(bias, 16);
    let b0 = v128.load(bias, 32);
    let b1 = v128.load(bias, 48);
    let from = x;
    for (let k = load<i32>(p, KERNEL_T); k > 0; k -= 2) {
      const u = v128.load(from);
      from += next;
      const v = v128.load(from);
      from += next;
      const low = zip_low(u, v);
      const high = zip_high(u, v);
      const nothing = i32x4.splat(0);
      a0 = mac(a0, zip_low(nothing, low), v128.load(w));
      a1 = mac(a1, zip_high(nothing, low), v128.load(w, 16));
      b0 = mac(b0, zip_low(nothing, high), v128.load(w, 32));
      b1 = mac(b1, zip_high(nothing, high), v128.load(w, 48));
      w += 64;
    }
    for (const end = left - 16; left > 0 && left > end; left -= 8) {
      const below = below_of(p);
      const scale = load<i32>(p, MULTIPLIER) + table;
      const offset = load<i32>(p, SHIFT) + table;
      finish_eight(
        p,
        y,
        a0,
        a1,
        v128.load(scale),
        v128.load(scale, 16),
        v128.load(offset),
        v128.load(offset, 16),
        below ? below + table : 0,
        magic,
        zero,
        exact,
        left,
        load<i32>(p, SUMS),
        UP,
      );
      a0 = b0;
      a1 = b1;
      table += 32;
      y += 8;
    }
    x += 16;
  }
}

export function depthwise_row_s8_simd(p: usize, first: i32, rows: i32): void {
  const y_c = load<i32>(p, Y_C);
  for (const end = first + rows; first < end; first++) {
    row(p, load<i32>(p, Y) + first * y_c, load<i32>(p, X) + first * load<i32>(p, STRIDE_T) * y_c);
  }
}
