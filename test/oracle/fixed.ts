/**
 * Fixed-point arithmetic of TensorFlow Lite's reference kernels: multipliers of 31 bits, two roundings.
 *
 * In: int32 values (as JavaScript numbers).  Out: int32 values. Source: quantization_util.cc, common.cc,
 * gemmlowp's fixedpoint.h.
 * Exact: products of 62 bits are computed in two halves that fit a double.
 */

export interface Multiplier {
  /** 2^30 .. 2^31 - 1, or 0. */
  significand: number;
  /** Shift: to the left if positive. */
  shift: number;
}

/** Splits a value into significand / 2^31 * 2^shift, with the fraction in [0.5, 1). */
export function splitMultiplier(value: number): Multiplier {
  if (value === 0) return { significand: 0, shift: 0 };
  let fraction = value;
  let shift = 0;
  while (fraction >= 1) {
    fraction /= 2;
    shift++;
  }
  while (fraction < 0.5) {
    fraction *= 2;
    shift--;
  }
  let significand = Math.round(fraction * 2 ** 31);
  if (significand === 2 ** 31) {
    significand /= 2;
    shift++;
  }
  return shift < -31 ? { significand: 0, shift: 0 } : { significand, shift };
}

/** Returns (a * b + 2^30) >> 31, saturated. */
export function highMul(a: number, b: number): number {
  if (a === -(2 ** 31) && b === -(2 ** 31)) return 2 ** 31 - 1;
  const high = Math.floor(b / 65536);
  const low = b - high * 65536;
  const rest = Math.floor((a * low + 2 ** 30) / 65536);
  return Math.floor((a * high + rest) / 32768);
}

/** Returns x / 2^exponent, rounded with halves away from zero. */
export function shiftRight(x: number, exponent: number): number {
  const mask = 2 ** exponent - 1;
  const remainder = x & mask;
  const threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/** Multiplies x by the multiplier. */
export function multiply(x: number, { significand, shift }: Multiplier): number {
  const shifted = shift > 0 ? Math.imul(x, 2 ** shift) : x;
  return shiftRight(highMul(shifted, significand), shift > 0 ? 0 : -shift);
}

/** Returns x * 2^exponent: a left shift saturates, a right shift rounds. */
export function timesPower(x: number, exponent: number): number {
  if (exponent < 0) return shiftRight(x, -exponent);
  return Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), x * 2 ** exponent));
}

export const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));

/** Rounds a float as std::round: halves away from zero. */
export const roundAway = (x: number): number => (x < 0 ? -Math.floor(-x + 0.5) : Math.floor(x + 0.5));
