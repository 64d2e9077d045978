/**
 * int16 activations: which forms of operators there are, and the arithmetic that they share. Holds no
 * operator.
 *
 * In: quantisation of inputs and output.  Out: Types where one of them is int16, nothing where all are int8
 * (then nothing here is used).
 *
 * Layers with weights: acc = bias + sum w * (x - x_zero), exact in 64 bits; y = clamp(y_zero + (acc * m +
 * 2^(s - 1)) >> s), m the multiplier's upper 16 bits, rounded, s = 15 - shift.  Source: TensorFlow Lite 16x8
 * (reference_integer_ops::ConvPerChannel of int16, MultiplyByQuantizedMultiplier of int64), which has int16
 * on both sides; one side int8 goes by the same rule.  Exact: numbers below 2^53.
 */
import { RunletError } from '../../models/error.ts';
import { type Ints, isInt16, type QuantParams } from '../../models/graph/types.ts';
import { clampInt, type Multiplier, ONCE, quantizeMultiplier, requantise, roundOnce } from '../fixed-point.ts';
import { lowBits } from '../once.ts';

export type IntType = 'int8' | 'int16';

/** Of a node that reads or writes int16. */
export interface Types {
  x: IntType;
  y: IntType;
}

export const typeOf = (quant: QuantParams | undefined): IntType => (isInt16(quant) ? 'int16' : 'int8');

/** `{ types }` to spread into parameters, empty where all is int8. */
export function typesOf(x: QuantParams, y: QuantParams): { types?: Types } {
  return isInt16(x) || isInt16(y) ? { types: { x: typeOf(x), y: typeOf(y) } } : {};
}

/** Zeros, to be filled with outputs. */
export const makeInts = (type: IntType | undefined, length: number): Ints =>
  type === 'int16' ? new Int16Array(length) : new Int8Array(length);

/**
 * MultiplyByQuantizedMultiplier(int64): the multiplier in 16 bits, and the whole right shift. @throws
 * RunletError RN402 from 2^14 on
 */
export function wideMultiplier(real: number): Multiplier {
  const { multiplier, shift } = quantizeMultiplier(real);
  if (shift > 14)
    throw new RunletError('RN402', {
      what: `scales give the multiplier ${real}`,
      why: 'a layer that reads or writes int16 has multipliers below 2^14',
      tryThis: 'check the calibration data: an output that hardly changes has a scale near zero',
    });
  return { multiplier: multiplier < 0x7fff0000 ? (multiplier + 2 ** 15) >> 16 : 0x7fff, shift: 15 - shift };
}

/**
 * floor((x * multiplier + 2^(shift - 1)) / 2^shift) for |x| < 2^47, a multiplier of 16 bits, shift 1 to 46;
 * above 2^53, which every clamp ends, not to the last bit.
 */
export function requantiseWide(x: number, multiplier: number, shift: number): number {
  const high = Math.floor(x / 65536) * multiplier;
  const low = (x - Math.floor(x / 65536) * 65536) * multiplier + 2 ** (shift - 1);
  // floors of floors are one floor
  return shift < 16
    ? high * 2 ** (16 - shift) + Math.floor(low / 2 ** shift)
    : Math.floor((high + Math.floor(low / 65536)) / 2 ** (shift - 16));
}

interface Finish {
  multiplier: Int32Array;
  shift: Int32Array;
  low?: Int32Array;
  yZero: number;
  min: number;
  max: number;
  types?: Types;
  gate?: true;
}

/** An exact sum of output o to its stored value; where all is int8, sums are int32, which wraps. */
export function finishSum(p: Finish, exact: number, o: number): number {
  const acc = p.types ? exact : exact | 0;
  const [multiplier, shift] = [p.multiplier[o] as number, p.shift[o] as number];
  const scaled = p.low
    ? roundOnce(acc, multiplier * 2 ** lowBits + (p.low[o] as number), shift - ONCE + lowBits)
    : (p.types && !p.gate ? requantiseWide : requantise)(acc, multiplier, shift);
  return clampInt(p.yZero + scaled, p.min, p.max);
}

const noRoom = (what: string, where: string, most: number, tryThis: string): RunletError =>
  new RunletError('RN442', { what, where, why: `sums are int32, which has room for ${most}`, tryThis });

/** int32 has room for so many int16. */
const mostInt16 = 2 ** 16 - 1;

/** @throws RunletError RN442 where int32 has no room for the sum of `count` int16 */
export function checkCount(types: Types | undefined, count: number, where: string): void {
  if (types?.x !== 'int16' || count <= mostInt16) return;
  throw noRoom(`a mean of ${count} int16 values`, where, mostInt16, 'int8 for what this layer reads, or a shorter window');
}

/** int32 has room for so many products of two int8 less their zero points, 255 each at most. */
const mostProducts = Math.floor((2 ** 31 - 1) / 255 ** 2);

/** @throws RunletError RN442 where int32 has no room for a sum of `count` products of two int8 */
export function checkProducts(count: number, where: string): void {
  if (count > mostProducts) throw noRoom(`a sum of ${count} products of int8`, where, mostProducts, 'a shorter window');
}
