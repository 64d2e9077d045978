/**
 * The rounding rule of the whole code base, in TypeScript. assembly/kernels/fixed-point.ts implements the
 * same functions, and tests compare the two.
 *
 * In: int32 accumulators, a Q31 multiplier and a shift.  Out: int32.  Source: TensorFlow Lite reference
 * kernels (MultiplyByQuantizedMultiplier with two roundings) and gemmlowp's fixed-point primitives. Shifts
 * from ONCE on select one rounding, for LiteRT's FULLY_CONNECTED (once.ts).  Exact: integers only.
 */
import { RunletError } from '../models/error.ts';

/** A shift of at least this value means one rounding. Shifts with two roundings are -31 to 30. */
export const ONCE = 64;

export interface Multiplier {
  /** Q31 in [2^30, 2^31), or 0. */
  multiplier: number;
  /**
   * Exponent of a power of two: a positive value shifts left, a negative one shifts right with rounding. From
   * ONCE on, the right shift is shift - ONCE, with one rounding in total.
   */
  shift: number;
}

/**
 * Returns multiplier and shift with real = multiplier * 2^(shift - 31), as TensorFlow Lite's
 * QuantizeMultiplier. @throws RunletError RN402 if `real` is negative, or 2^30 or more
 */
export function quantizeMultiplier(real: number): Multiplier {
  if (real === 0) return { multiplier: 0, shift: 0 };
  if (!(real > 0 && real < 2 ** 30)) {
    throw new RunletError('RN402', {
      what: `scales give the multiplier ${real}`,
      why: 'it does not fit a Q31 number with a shift of at most 30',
      tryThis: 'check the calibration data: an output that hardly changes has a scale near zero',
    });
  }
  let { fraction, exponent } = frexp(real);
  let fixed = roundHalfAway(fraction * 2 ** 31);
  if (fixed === 2 ** 31) {
    fixed /= 2;
    exponent++;
  }
  return exponent < -31 ? { multiplier: 0, shift: 0 } : { multiplier: fixed, shift: exponent };
}

/** Splits real = fraction * 2^exponent, with fraction in [0.5, 1). */
export function frexp(real: number): { fraction: number; exponent: number } {
  let exponent = Math.max(-1022, Math.floor(Math.log2(Math.abs(real))) + 1);
  let fraction = real * 2 ** -exponent;
  while (Math.abs(fraction) >= 1) {
    fraction /= 2;
    exponent++;
  }
  while (Math.abs(fraction) < 0.5) {
    fraction *= 2;
    exponent--;
  }
  return { fraction, exponent };
}

/** Rounds halves away from zero, as C's round(). */
export const roundHalfAway = (x: number): number => Math.sign(x) * Math.floor(Math.abs(x) + 0.5);

/**
 * The saturating rounding doubling high multiply: floor((a * b + 2^30) / 2^31). It saturates only for
 * a = b = -2^31.
 */
export function mulHigh(a: number, b: number): number {
  if (a === -(2 ** 31) && b === -(2 ** 31)) return 2 ** 31 - 1;
  const high = b >> 16;
  const low = b & 0xffff;
  return Math.floor((a * high + Math.floor((a * low + 2 ** 30) / 65536)) / 32768);
}

/** x / 2^exponent, rounded half away from zero; exponent in 0..31. */
export function roundingShift(x: number, exponent: number): number {
  const mask = exponent === 31 ? 0x7fffffff : (1 << exponent) - 1;
  const remainder = x & mask;
  const threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (exponent === 31 ? (x < 0 ? -1 : 0) : x >> exponent) + (remainder > threshold ? 1 : 0);
}

/** Whether a shift selects one rounding. */
export const isOnce = (shift: number): boolean => shift >= ONCE;

/** The exponent of either kind of shift: real = multiplier * 2^(exponent - 31). */
export const exponentOf = (shift: number): number => (isOnce(shift) ? 31 - (shift - ONCE) : shift);

/** floor((x * multiplier + 2^(right - 1)) / 2^right), exact for integers of up to 53 bits. */
export const roundOnce = (x: number, multiplier: number, right: number): number =>
  Number((BigInt(x) * BigInt(multiplier) + (1n << BigInt(right - 1))) >> BigInt(right));

/** Half a step of the finer grid on which the first of two roundings acts; 0 if the shift is not negative. */
export const halfGrid = (shift: number): number => (shift < 0 ? 2 ** (shift - 1) : 0);

/** Requantises an accumulator to the output's scale: MultiplyByQuantizedMultiplier, or one rounding. */
export function requantise(x: number, multiplier: number, shift: number): number {
  if (isOnce(shift)) return roundOnce(x, multiplier, shift - ONCE);
  return shift > 0 ? mulHigh((x << shift) | 0, multiplier) : roundingShift(mulHigh(x, multiplier), -shift);
}

/** x * 2^exponent, saturated to int32. */
export function saturatingShiftLeft(x: number, exponent: number): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, x * 2 ** exponent));
}

/** Largest magnitude of a bias. It leaves room for the products in int32. */
export const maxBias = 2 ** 30;

export const clampInt = (x: number, min: number, max: number): number => Math.min(max, Math.max(min, x));
