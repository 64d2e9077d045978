/**
 * int16 functions by linear interpolation in a table, after TensorFlow Lite's two rules. Defines no operator.
 *
 * In: int16 values with zero point 0.  Out: int16 values.  Source: reference_integer_ops::Logistic and Tanh
 * of int16 with LogisticPrepare and TanhPrepare of tflite-micro (one table of the logistic function in
 * steps of 1/24); LUTPopulate and LUTLookup of int16 (512 segments).  Exact: integers, and float32 where
 * LUTPopulate uses it.
 */
import { clampInt, type Multiplier, roundHalfAway } from '../fixed-point.ts';

const f32 = Math.fround;

/** sigmoid(i / 24) with 16 fraction bits. */
const at24 = (i: number): number => 65536 / (1 + Math.exp(-i / 24));

/**
 * Unsigned 16-bit entries, stored as int16. Each is shifted by half the error of the interpolation in the
 * middle of its segment; the last is the limit 1. tanh(x) is 2 sigmoid(2x) - 1.
 */
export const sigmoidTable = new Int16Array(
  Uint16Array.from({ length: 256 }, (_, i) => {
    const off = at24(i + 0.5) - (at24(i) + at24(i + 1)) / 2;
    return i === 255 ? 65535 : Math.round(at24(i) + off / 2);
  }).buffer,
);

/** Fraction bits of an input, in steps of the table. */
export const sigmoidalBits = { sigmoid: 9, tanh: 8 } as const;
export type SigmoidalBits = (typeof sigmoidalBits)[keyof typeof sigmoidalBits];

/**
 * Returns the multiplier from the input's scale to 1 / (3 * 4096): exact for a power of two, else truncated
 * to 15 bits. Above 2^17 every input except 0 lies at the end of the table. `shift` is a right shift.
 */
export function sigmoidalInput(scale: number, bits: SigmoidalBits): Multiplier {
  const log = f32(f32(Math.log(scale)) * f32(1 / f32(Math.log(2))));
  const left = 12 + roundHalfAway(log);
  // the table has half as many steps for tanh, so a scale of one more bit fits
  const isPower = Math.abs(log - roundHalfAway(log)) < f32(1e-3) && left >= 0 && left <= 9 - bits;
  if (isPower) return { multiplier: 3 << left, shift: 0 };
  let multiplier = scale * 4096 * 3;
  let shift = 0;
  for (; multiplier <= 32767 / 2 && shift <= 30; shift++) multiplier *= 2;
  return { multiplier: Math.min(2 ** 17, Math.trunc(multiplier)), shift };
}

/** sigmoid or tanh with 15 fraction bits. */
export function sigmoidal(q: number, { multiplier, shift }: Multiplier, bits: SigmoidalBits): number {
  const x = Math.floor((q * multiplier + (shift > 0 ? 2 ** (shift - 1) : 0)) / 2 ** shift);
  const at = Math.floor(Math.abs(x) / 2 ** bits);
  const entry = (i: number) => (sigmoidTable[i] as number) & 0xffff;
  const base = at < 255 ? entry(at) : 0;
  const line = (base << bits) + (Math.abs(x) & (2 ** bits - 1)) * (at < 255 ? entry(at + 1) - base : 0);
  if (bits === 9) {
    const r = at < 255 ? line : 0x7fff << 10;
    return (x >= 0 ? r + 2 ** 9 : 2 ** 25 - r + 2 ** 9 - 1) >> 10;
  }
  const r = (at < 255 ? line : 0xffff << 8) - 2 ** 23;
  return (x >= 0 ? r + 2 ** 7 : 2 ** 7 - 1 - r) >> 8;
}

/**
 * Returns a table of 513 entries over the whole int16 range. Each is shifted by half the error of the
 * interpolation in the middle of its segment.
 * @param from, to real inputs at -32768 and 32767, float32
 * @param low, high real outputs at -32768 and 32767, float32
 */
export function linesOf(f: (x: number) => number, [from, to]: [number, number], [low, high]: [number, number]): Int16Array {
  const step = f32(f32(to - from) / 512);
  const perUnit = f32(65536 / f32(high - low));
  const at = (i: number, more: number): number => f32(f32(f(f32(f32(from + f32(i * step)) + more))) * perUnit);
  const entry = (i: number): number => {
    if (i === 512) return roundHalfAway(f32(f32(f(to)) * perUnit));
    const value = roundHalfAway(at(i, 0));
    const line = roundHalfAway(f32(f32(at(i + 1, 0) + value) / 2));
    return value - roundHalfAway((line - roundHalfAway(at(i, f32(step / 2)))) / 2);
  };
  return Int16Array.from({ length: 513 }, (_, i) => clampInt(entry(i), -32768, 32767));
}

/** Interpolates such a table at an int16 value. */
export function lookup(table: Int16Array, q: number): number {
  const at = 256 + (q >> 7);
  const base = table[at] as number;
  return base + ((((table[at + 1] as number) - base) * (q & 127) + 64) >> 7);
}
