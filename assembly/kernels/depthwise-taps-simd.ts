/**
 * What the SIMD kernels of depthwise share: reading a tap or padding, interleaving rows, and finishing four
 * output rows.
 */
import { SimdBlock, words_of } from "./mac-simd";
import { EDGES, FEATURES, ROW_PARTS } from "./needs";

/** Returns where the tap at `at` is read. Rows begin at x to x + span; everything else is padding. */
// @ts-ignore: decorator
@inline
export function tap(at: usize, x: usize, span: usize, padding: usize): usize {
  return !EDGES || at - x <= span ? at : padding;
}

// @ts-ignore: decorator
@inline
export function zip_low(u: v128, v: v128): v128 {
  return v128.shuffle<i16>(u, v, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
export function zip_high(u: v128, v: v128): v128 {
  return v128.shuffle<i16>(u, v, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Checks whether a column is in the input and not padding. */
// @ts-ignore: decorator
@inline
export function is_inside(p: SimdBlock, column: i32): bool {
  return !EDGES || !FEATURES || <u32>column < <u32>p.x_f;
}

/**
 * Finishes eight channels, or the last `left`, of four output rows. Each row has two registers of sums; the
 * last two are of the last row.
 */
// @ts-ignore: decorator
@inline
export function finish_four(
  p: SimdBlock,
  y: usize,
  pitch: i32,
  table: usize,
  left: i32,
  a0: v128,
  a1: v128,
  b0: v128,
  b1: v128,
  c0: v128,
  c1: v128,
  d0: v128,
  d1: v128,
  magic: v128,
  zero: v128,
  exact: bool,
  below: usize,
): void {
  const scale = p.multiplier + table;
  const s0 = v128.load(scale);
  const s1 = v128.load(scale, 16);
  const offset = p.shift + table;
  const o0 = v128.load(offset);
  const o1 = v128.load(offset, 16);
  const less = below ? below + table : 0;
  let to = y;
  let words = magic;
  for (let i: i32 = 0; i < 4; i++) {
    const next = words_of(p, a0, a1, s0, s1, o0, o1, less, magic, zero, exact, 0);
    if (i & 1) {
      // two rows in one register
      const bytes = i8x16.narrow_i16x8_s(words, next);
      if (!ROW_PARTS || left >= 8) {
        v128.store64_lane(to - pitch, bytes, 0);
        v128.store64_lane(to, bytes, 1);
      } else {
        const sums = p.sums;
        v128.store(sums, bytes);
        for (let k: i32 = 0; k < left; k++) {
          store<u8>(to - pitch + k, load<u8>(sums + k));
          store<u8>(to + k, load<u8>(sums + k, 8));
        }
      }
    }
    words = next;
    to += pitch;
    a0 = b0;
    a1 = b1;
    b0 = c0;
    b1 = c1;
    c0 = d0;
    c1 = d1;
  }
}
