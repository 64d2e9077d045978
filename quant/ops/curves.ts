/**
 * Functions of int16 by straight lines between entries of a table: TensorFlow Lite's two rules. Holds no
 * operator.
 *
 * In: int16 values with zero point 0.  Out: int16 values.  Source: reference_integer_ops::Logistic and Tanh
 * of int16 with LogisticPrepare and TanhPrepare of tflite-micro (one table of the logistic function in
 * steps of 1/24); LUTPopulate and LUTLookup of int16 (512 lines).  Exact: integers; LUTPopulate's float32.
 */
import { clampInt, type Multiplier, roundHalfAway } from '../fixed-point.ts';

const f32 = Math.fround;

/** sigmoid(i / 24), 16 bits behind the point. */
const at24 = (i: number): number => 65536 / (1 + Math.exp(-i / 24));

/**
 * As the bits of int16: each entry moved by half of what a line to the next one is off in its middle; the
 * last is the end. tanh(x) is 2 sigmoid(2x) - 1.
 */
export const sigmoidTable = new Int16Array(
  Uint16Array.from({ length: 256 }, (_, i) => {
    const off = at24(i + 0.5) - (at24(i) + at24(i + 1)) / 2;
    return i === 255 ? 65535 : Math.round(at24(i) + off / 2);
  }).buffer,
);

/** Bits of an input behind a place of the table. */
export const sigmoidalBits = { sigmoid: 9, tanh: 8 } as const;
export type SigmoidalBits = (typeof sigmoidalBits)[keyof typeof sigmoidalBits];

/**
 * From the input's scale to 1 / (3 * 4096), rounded half up: a power of two exactly, else 15 bits, cut off.
 * Above 2^17 every input but 0 is at the end of the table.
 * @returns `shift` to the right
 */
export function sigmoidalInput(scale: number, bits: SigmoidalBits): Multiplier {
  const log = f32(f32(Math.log(scale)) * f32(1 / f32(Math.log(2))));
  const left = 12 + roundHalfAway(log);
  // the table of tanh has half the steps: twice the scale fits, too
  const isPower = Math.abs(log - roundHalfAway(log)) < f32(1e-3) && left >= 0 && left <= 9 - bits;
  if (isPower) return { multiplier: 3 << left, shift: 0 };
  let multiplier = scale * 4096 * 3;
  let shift = 0;
  for (; multiplier <= 32767 / 2 && shift <= 30; shift++) multiplier *= 2;
  return { multiplier: Math.min(2 ** 17, Math.trunc(multiplier)), shift };
}

/** sigmoid or tanh, 15 bits behind the point. */
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
 * 513 entries over the whole of int16, each moved by half of what a line to the next one is off in its
 * middle.
 * @param from, to real inputs of -32768 and 32767
 * @param least, most real outputs of these; both float32
 */
export function linesOf(f: (x: number) => number, [from, to]: [number, number], [least, most]: [number, number]): Int16Array {
  const step = f32(f32(to - from) / 512);
  const perUnit = f32(65536 / f32(most - least));
  const at = (i: number, more: number): number => f32(f32(f(f32(f32(from + f32(i * step)) + more))) * perUnit);
  const entry = (i: number): number => {
    if (i === 512) return roundHalfAway(f32(f32(f(to)) * perUnit));
    const value = roundHalfAway(at(i, 0));
    const line = roundHalfAway(f32(f32(at(i + 1, 0) + value) / 2));
    return value - roundHalfAway((line - roundHalfAway(at(i, f32(step / 2)))) / 2);
  };
  return Int16Array.from({ length: 513 }, (_, i) => clampInt(entry(i), -32768, 32767));
}

/** The value of such a table at an int16. */
export function lookup(table: Int16Array, q: number): number {
  const at = 256 + (q >> 7);
  const base = table[at] as number;
  return base + ((((table[at + 1] as number) - base) * (q & 127) + 64) >> 7);
}
