/**
 * The only rounding rule, in AssemblyScript; quant/fixed-point.ts is its twin, and tests compare them.
 *
 * In: int32 accumulators, a Q31 multiplier and a shift.  Out: int32.
 * Source: TensorFlow Lite reference kernels (MultiplyByQuantizedMultiplier with two roundings).  Exact.
 */
import { MacBlock } from "./mac";
import { EDGES, ONCE } from "./needs";

/**
 * Shifts of a layer from here on mean one rounding, and a right shift by shift - ONCE_FROM (as in
 * quant/fixed-point.ts).
 */
export const ONCE_FROM = 64;

/** Returns floor((a * b + 2^30) / 2^31). Callers never pass a = b = -2^31. */
// @ts-ignore: decorator
@inline
export function mul_high(a: i32, b: i32): i32 {
  return <i32>((<i64>a * <i64>b + (1 << 30)) >> 31);
}

/** Returns x / 2^exponent, rounded half away from zero. The exponent is 0 to 31. */
// @ts-ignore: decorator
@inline
export function rounding_shift(x: i32, exponent: i32): i32 {
  const mask = (1 << exponent) - 1;
  const remainder = x & mask;
  const threshold = (mask >> 1) + i32(x < 0);
  return (x >> exponent) + i32(remainder > threshold);
}

/** Scales the accumulator to the output. */
// @ts-ignore: decorator
@inline
export function requantise(x: i32, multiplier: i32, shift: i32): i32 {
  return shift > 0 ? mul_high(x << shift, multiplier) : rounding_shift(mul_high(x, multiplier), -shift);
}

/** Scales the sum of a layer. Its shift may ask for one rounding: LiteRT's FULLY_CONNECTED. */
// @ts-ignore: decorator
@inline
export function rescale(x: i32, multiplier: i32, shift: i32): i32 {
  if (ONCE && shift >= ONCE_FROM) {
    const right = <i64>(shift - ONCE_FROM);
    return <i32>((<i64>x * <i64>multiplier + ((<i64>1) << (right - 1))) >> right);
  }
  return requantise(x, multiplier, shift);
}

/** Finishes output channel `o` of a layer: adds the bias, scales to the output, clamps and stores. */
export function finish(
  p: MacBlock,
  y: usize, // s8 [y_c]
  o: i32,
  acc: i32,
): void {
  const m = load<i32>(p.multiplier + (o << 2));
  const s = <i32>load<i8>(p.shift + o);
  const bias = load<i32>(p.bias + (o << 2));
  store<i8>(y + o, clamp(p.y_zero + rescale(acc + bias, m, s), p.min, p.max));
}

// @ts-ignore: decorator
@inline
export function clamp(x: i32, low: i32, high: i32): i32 {
  return min(high, max(low, x));
}

/** Returns the first tap inside: ceil(-start / dilation), at least 0. */
// @ts-ignore: decorator
@inline
export function first_tap(start: i32, dilation: i32): i32 {
  return EDGES && start < 0 ? (dilation - 1 - start) / dilation : 0;
}

/** Returns the first row of a window at or after `at`, with rows `step` apart: ceil(at / step), or 0. */
// @ts-ignore: decorator
@inline
export function first_row(at: i32, step: i32): i32 {
  return at > 0 ? (at + step - 1) / step : 0;
}

/** Returns one past the last tap inside 0..length-1. */
// @ts-ignore: decorator
@inline
export function end_tap(start: i32, dilation: i32, length: i32, kernel: i32): i32 {
  if (!EDGES) return kernel;
  return start >= length ? 0 : min(kernel, (length - start + dilation - 1) / dilation);
}
