/**
 * The dot product of relaxed SIMD: four int8 products added to each of four sums.
 *
 * Source: WebAssembly 3.0, i32x4.relaxed_dot_i8x16_i7x16_add_s. It is exact where every byte of its second
 * operand is at most 127. An engine may read other bytes as unsigned or as signed, and may add products in
 * pairs of 16 bits. Inputs take all values of a byte, so rn_reset asks what this engine does:
 *
 *   unsigned  reads 0 to 255. Inputs have their sign bit flipped, which adds 128 to them; sums start at
 *             bias - (128 + zero point) * (sum of weights).
 *   signed    reads -128 to 127. Inputs are as they are; sums start at bias - zero point * (sum of weights).
 *   none      is exact in neither way: rn_push refuses, and the host opens a module of another target.
 *
 * Exact in both forms: sums are taken modulo 2^32. The form is a global, since it belongs to the engine: no
 * state and no snapshot has it.
 */
import { SimdBlock } from "./mac-simd";
import { LOWEST_WEIGHT, RELAXED } from "./needs";

export const FORM_NONE = 0;
export const FORM_UNSIGNED = 1;
export const FORM_SIGNED = 2;

/** What the last probe found; rn_info(12). */
export let form: i32 = 0;

/** Four sums more of four products each. */
// @ts-ignore: decorator
@inline
export function dot(
  sum: v128, // i32 [4]
  x: v128, // bytes [4][4], as the form reads them
  w: v128, // s8 [4][4]
): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(w, x, sum);
}

/** What a byte of an input is exclusive-ored with: its sign bit, or nothing. */
// @ts-ignore: decorator
@inline
export function flip_byte(): i32 {
  return form == FORM_UNSIGNED ? 0x80 : 0;
}

/** The same in sixteen lanes. */
// @ts-ignore: decorator
@inline
export function flips(): v128 {
  return i8x16.splat(<i8>flip_byte());
}

/** Address of what the sums of a layer start at: i32 [o]. */
// @ts-ignore: decorator
@inline
export function start_of(p: SimdBlock): usize {
  return !RELAXED || form == FORM_UNSIGNED ? p.bias : p.signed_bias;
}

/** Inputs as the form reads them; writes whole sixteens. */
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
 * Whether this engine is exact in a form, with weight `w` and every byte: one product a sum, and four equal
 * ones, of which two exceed 16 bits; sums pass 2^31 on the way.
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

/** Finds the form: exact with the lowest weight, the largest, and 1. */
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
