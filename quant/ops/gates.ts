/**
 * The functions of recurrent cells in integers: logistic and tanh of int16 by a table, and products of int16.
 *
 * In: int16 (gates have 12 fraction bits, a cell has scale 2^power).  Out: int16 with 15 fraction bits.
 * assembly/kernels/recurrent.ts implements the same functions.  Exact: equal to TensorFlow Lite's
 * reference_integer_ops::Logistic and Tanh of int16, and MulElementwise.
 */
import { clampInt, type Multiplier, requantise } from '../fixed-point.ts';

export const int16 = (x: number): number => clampInt(x, -32768, 32767);

/**
 * 2^16 times the logistic function at i / 24, 256 values. Each is lowered by 1/16 of the squared step times
 * the second derivative, so that the interpolation errors at the ends and in the middle of a segment balance.
 */
export const gateTable: Int32Array = Int32Array.from({ length: 256 }, (_, i) => {
  const y = 1 / (1 + Math.exp(-i / 24));
  const bend = y * (1 - y) * (1 - 2 * y);
  return i === 255 ? 65535 : Math.floor(65536 * (y - bend / (16 * 24 * 24)) + 0.5);
});

/** Interpolates the table at a / 2^bits; the result has `bits` more bits. Past the end it is `beyond`. */
function between(a: number, bits: number, beyond: number): number {
  const at = a >> bits;
  if (at >= 255) return beyond << bits;
  const [low, high] = [gateTable[at] as number, gateTable[at + 1] as number];
  return (low << bits) + (a & ((1 << bits) - 1)) * (high - low);
}

/** Logistic function of x with 12 fraction bits. */
export function logistic16(x: number): number {
  const a = Math.abs(3 * x);
  const y = between(a, 9, 65534);
  return (x >= 0 ? y + 512 : (1 << 25) - y + 511) >> 10;
}

/**
 * tanh. @param multiplier, shift scale x to 3 times its value with 12 fraction bits; `shift` is to the right
 */
export function tanh16(x: number, multiplier = 3, shift = 0): number {
  const scaled = (x * multiplier + (shift > 0 ? 1 << (shift - 1) : 0)) >> shift;
  const y = between(Math.abs(scaled), 8, 65535);
  return (scaled >= 0 ? y - (1 << 23) + 128 : (1 << 23) - y + 127) >> 8;
}

/** Returns the parameters of tanh16 for a cell with scale 2^power. */
export const tanhInput = (power: number): { multiplier: number; shift: number } => ({
  multiplier: 3 << Math.max(0, 12 + power),
  shift: Math.max(0, -(12 + power)),
});

/** Hard sigmoid: a line through (0, 1/2), clamped to 0 and 1. `slope` has 15 fraction bits. */
export const line16 = (x: number, slope: number): number => clampInt(16384 + ((x * slope + 2048) >> 12), 0, 32767);

/** Requantises the product a b to int16. */
export const product16 = (a: number, b: number, { multiplier, shift }: Multiplier): number =>
  int16(requantise(a * b, multiplier, shift));

/**
 * Returns the exponent of a cell's scale, -15 to -6. The cell can then hold twice its largest observed value.
 * @param largest largest |cell| in calibration
 * @param open true: the cell's function is not tanh and has no limit, so exponents up to -1 are allowed
 */
export const cellPowerOf = (largest: number, open: boolean): number => {
  const power = Math.ceil(Math.log2(Math.max(2 * largest, 2 ** -20) / 32767));
  return Math.min(open ? -1 : -6, Math.max(-15, power));
};
