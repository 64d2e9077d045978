/**
 * depthwise with SIMD128 for layers with one row per call, of one feature, without padding: two taps per
 * multiplication, sixteen channels at a time.
 *
 * In: x s8 [x_rows][x_c].  Out: as depthwise.ts with `per` 1.  Weights s16 [y_c / 16][kernel_t / 2][16][2],
 * padded with zeros. Inputs keep their zero point, which `bias` subtracts. Two rows are interleaved byte by
 * byte, and one instruction makes int16 values that are 256 times as large; sign extension would take two. So
 * `bias` is also 256 times as large, `multiplier` is divided by 256, and |sum| is below 2^23. Exact: int32
 * sums in another order. Up to fifteen channels past the last, and a row past the last of an odd kernel, are
 * read; their sums are dropped, their weights 0.
 */
import { SimdBlock, below_of, bytes_high, bytes_low, finish_eight, is_exact, mac } from "./mac-simd";
import { DILATIONS } from "./needs";

/** Bits by which sums are shifted to the left. */
const UP = 8;

/** Computes all channels of the row whose first taps are at x. */
function row(p: SimdBlock, y: usize, x: usize): void {
  const y_c = p.y_c;
  const next = DILATIONS ? p.dilation_t * y_c : y_c;
  const exact = is_exact(p);
  const magic = v128.load_splat<i32>(changetype<usize>(p), offsetof<SimdBlock>("magic"));
  const zero = v128.load_splat<i32>(changetype<usize>(p), offsetof<SimdBlock>("y_zero"));
  let w = p.weights;
  let table: usize = 0;
  for (let left = y_c; left > 0;) {
    const bias = p.bias + table;
    let a0 = v128.load(bias);
    let a1 = v128.load(bias, 16);
    let b0 = v128.load(bias, 32);
    let b1 = v128.load(bias, 48);
    let from = x;
    for (let k = p.kernel_t; k > 0; k -= 2) {
      const u = v128.load(from);
      from += next;
      const v = v128.load(from);
      from += next;
      const low = bytes_low(u, v);
      const high = bytes_high(u, v);
      const nothing = i32x4.splat(0);
      a0 = mac(a0, bytes_low(nothing, low), v128.load(w));
      a1 = mac(a1, bytes_high(nothing, low), v128.load(w, 16));
      b0 = mac(b0, bytes_low(nothing, high), v128.load(w, 32));
      b1 = mac(b1, bytes_high(nothing, high), v128.load(w, 48));
      w += 64;
    }
    for (const end = left - 16; left > 0 && left > end; left -= 8) {
      const below = below_of(p);
      const scale = p.multiplier + table;
      const offset = p.shift + table;
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
        p.sums,
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

export function depthwise_row_s8_simd(p: SimdBlock, first: i32, rows: i32): void {
  const y_c = p.y_c;
  for (const end = first + rows; first < end; first++) {
    row(p, p.y + first * y_c, p.x + first * p.stride_t * y_c);
  }
}
