/**
 * The dot product of relaxed SIMD: four int8 products are added to each of four sums.
 *
 * Source: WebAssembly 3.0, i32x4.relaxed_dot_i8x16_i7x16_add_s. It is exact if every byte of its second
 * operand is at most 127. An engine may read other bytes as unsigned or as signed, and may add products in
 * pairs of 16 bits. Inputs can have any value of a byte, so rn_reset tests what this engine does:
 *
 *   unsigned  reads 0 to 255. Inputs have their sign bit flipped, which adds 128 to them; sums start at
 *             bias - (128 + zero point) * (sum of weights).
 *   signed    reads -128 to 127. Inputs are unchanged; sums start at bias - zero point * (sum of weights).
 *   none      is not exact in either way: rn_push refuses, and the host opens a module of another target.
 *
 * Both forms are exact, because sums are taken modulo 2^32. The form is a global, because it depends on the
 * engine: no state and no snapshot has it.
 */
import { SimdBlock } from "./mac-simd";
import { LOWEST_WEIGHT, RELAXED } from "./needs";

export const FORM_NONE = 0;
export const FORM_UNSIGNED = 1;
export const FORM_SIGNED = 2;

/** Result of the last probe; rn_info(12). */
export let form: i32 = 0;

/** Adds four products to each of four sums. */
// @ts-ignore: decorator
@inline
export function dot(
  sum: v128, // i32 [4]
  x: v128, // bytes [4][4], as the form reads them
  w: v128, // s8 [4][4]
): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(w, x, sum);
}

/** Returns the bits to flip in a byte of an input: its sign bit, or none. */
// @ts-ignore: decorator
@inline
export function flip_byte(): i32 {
  return form == FORM_UNSIGNED ? 0x80 : 0;
}

/** Returns the same in sixteen lanes. */
// @ts-ignore: decorator
@inline
export function flips(): v128 {
  return i8x16.splat(<i8>flip_byte());
}

/** Returns the address of the start values of the sums of a layer: i32 [o]. */
// @ts-ignore: decorator
@inline
export function start_of(p: SimdBlock): usize {
  return !RELAXED || form == FORM_UNSIGNED ? p.bias : p.signed_bias;
}

/** Converts inputs to the form; writes multiples of 16. */
// @ts-ignore: decorator
@inline
export function flip_s8(
  to: usize, // [n], rounded up to sixteens
  from: usize, // s8 [n], rounded up to sixteens
  n: i32,
  flip: v128,
): void {
  for (; n > 0; n -= 16) {
    v128.store(to, v128.xor(v128.load(from), flip));
    to += 16;
    from += 16;
  }
}

// @ts-ignore: decorator
@inline
function differs(got: v128, expected: i32): bool {
  return v128.any_true(v128.xor(got, i32x4.splat(expected)));
}

/**
 * Checks whether this engine is exact in a form, with weight `w` and every byte: with one product per sum,
 * and with four equal ones, two of which exceed 16 bits. Sums pass 2^31 on the way.
 */
function is_exact(w: i32, signed: bool): bool {
  const weights = i8x16.splat(<i8>w);
  for (let x: i32 = 0; x < 256; x++) {
    const product = w * (signed ? <i32>(<i8>x) : x);
    const from = (x << 24) | 0xffff00;
    const sum = i32x4.splat(from);
    const bytes = i8x16.splat(<i8>x);
    if (differs(dot(sum, bytes, weights), from + 4 * product)) return false;
    if (differs(dot(sum, v128.and(bytes, i32x4.splat(0xff00)), weights), from + product)) return false;
  }
  return true;
}

/** Finds the form that is exact with the lowest weight, the largest, and 1. */
export function probe(): void {
  form = FORM_NONE;
  for (let next: i32 = FORM_UNSIGNED; next <= FORM_SIGNED; next++) {
    const signed = next == FORM_SIGNED;
    if (is_exact(LOWEST_WEIGHT ? -128 : -127, signed) && is_exact(127, signed) && is_exact(1, signed)) {
      form = next;
      return;
    }
  }
}
