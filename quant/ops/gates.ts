/**
 * The functions of recurrent cells in integers: logistic and tanh of int16 by a table, and products of int16.
 *
 * In: int16 (gates have 12 bits behind the point, a cell scale 2^power).  Out: int16 with 15 bits behind the
 * point.  assembly/kernels/recurrent.ts is its twin.  Exact: equal to TensorFlow Lite's
 * reference_integer_ops::Logistic and Tanh of int16, and MulElementwise.
 */
import { clampInt, type Multiplier, requantise } from '../fixed-point.ts';

export const int16 = (x: number): number => clampInt(x, -32768, 32767);

/**
 * 2^16 times the logistic function at i / 24, 256 values. Each is moved by a sixteenth of the step squared
 * times the second derivative there, so that lines between them lie above as far as below.
 */
export const gateTable: Int32Array = Int32Array.from({ length: 256 }, (_, i) => {
  const y = 1 / (1 + Math.exp(-i / 24));
  const bend = y * (1 - y) * (1 - 2 * y);
  return i === 255 ? 65535 : Math.floor(65536 * (y - bend / (16 * 24 * 24)) + 0.5);
});

/** The table at a / 2^bits on a line between two entries, times 2^bits; past its end `beyond`. */
function between(a: number, bits: number, beyond: number): number {
  const at = a >> bits;
  if (at >= 255) return beyond << bits;
  const [low, high] = [gateTable[at] as number, gateTable[at + 1] as number];
  return (low << bits) + (a & ((1 << bits) - 1)) * (high - low);
}

/** x with 12 bits behind the point. */
export function logistic16(x: number): number {
  const a = Math.abs(3 * x);
  const y = between(a, 9, 65534);
  return (x >= 0 ? y + 512 : (1 << 25) - y + 511) >> 10;
}

/** x times `multiplier`, rounded and shifted right, has 12 bits behind the point, times 3. */
export function tanh16(x: number, multiplier = 3, shift = 0): number {
  const scaled = (x * multiplier + (shift > 0 ? 1 << (shift - 1) : 0)) >> shift;
  const y = between(Math.abs(scaled), 8, 65535);
  return (scaled >= 0 ? y - (1 << 23) + 128 : (1 << 23) - y + 127) >> 8;
}

/** What brings a cell of scale 2^power to tanh16. */
export const tanhInput = (power: number): { multiplier: number; shift: number } => ({
  multiplier: 3 << Math.max(0, 12 + power),
  shift: Math.max(0, -(12 + power)),
});

/** A straight line through (0, 1/2), cut off at 0 and 1; `slope` has 15 bits behind the point. */
export const line16 = (x: number, slope: number): number => clampInt(16384 + ((x * slope + 2048) >> 12), 0, 32767);

/** a b brought to another scale. */
export const product16 = (a: number, b: number, { multiplier, shift }: Multiplier): number =>
  int16(requantise(a * b, multiplier, shift));

/**
 * The power of two of a cell's scale that holds twice the `largest` that was seen, from 2^-15 to 2^-6, which
 * tanh ends; `open`: to 2^-1.
 */
export const cellPowerOf = (largest: number, open: boolean): number => {
  const power = Math.ceil(Math.log2(Math.max(2 * largest, 2 ** -20) / 32767));
  return Math.min(open ? -1 : -6, Math.max(-15, power));
};
