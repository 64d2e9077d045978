/**
 * int16 activations: the types of a node's tensors, and the arithmetic that int16 operators share. Defines no
 * operator.
 *
 * In: quantisation of inputs and output.  Out: Types if one of them is int16, nothing if all are int8.
 *
 * Layers with weights: acc = bias + sum w * (x - x_zero), exact in 64 bits; y = clamp(y_zero + (acc * m +
 * 2^(s - 1)) >> s), with m the rounded upper 16 bits of the multiplier, s = 15 - shift.  Source: TensorFlow
 * Lite 16x8 (reference_integer_ops::ConvPerChannel of int16, MultiplyByQuantizedMultiplier of int64), with
 * int16 on both sides. Layers with int8 on one side follow the same rule.  Exact: numbers below 2^53.
 */
import { RunletError } from '../../models/error.ts';
import { type Ints, isInt16, type QuantParams } from '../../models/graph/types.ts';
import { clampInt, type Multiplier, ONCE, quantizeMultiplier, requantise, roundOnce } from '../fixed-point.ts';
import { lowBits } from '../once.ts';

export type IntType = 'int8' | 'int16';

/** Types of the input and output of a node that reads or writes int16. */
export interface Types {
  x: IntType;
  y: IntType;
}

export const typeOf = (quant: QuantParams | undefined): IntType => (isInt16(quant) ? 'int16' : 'int8');

/** Returns `{ types }` to spread into parameters; empty if both are int8. */
export function typesOf(x: QuantParams, y: QuantParams): { types?: Types } {
  return isInt16(x) || isInt16(y) ? { types: { x: typeOf(x), y: typeOf(y) } } : {};
}

/** Returns a zero-filled array for outputs. */
export const makeInts = (type: IntType | undefined, length: number): Ints =>
  type === 'int16' ? new Int16Array(length) : new Int8Array(length);

/**
 * Returns the multiplier of MultiplyByQuantizedMultiplier(int64): 16 bits, and the complete right shift.
 * @throws RunletError RN402 if `real` is 2^14 or more
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
 * floor((x * multiplier + 2^(shift - 1)) / 2^shift) for |x| < 2^47, a multiplier of 16 bits and a shift of 1
 * to 46. Results above 2^53 are not exact; every clamp limits them.
 */
function requantiseWide(x: number, multiplier: number, shift: number): number {
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

/**
 * Converts an exact sum of output o to its stored value. If all tensors are int8, the sum wraps at 32 bits.
 */
export function finishSum(p: Finish, exact: number, o: number): number {
  const acc = p.types ? exact : exact | 0;
  const [multiplier, shift] = [p.multiplier[o] as number, p.shift[o] as number];
  const scaled = p.low
    ? roundOnce(acc, multiplier * 2 ** lowBits + (p.low[o] as number), shift - ONCE + lowBits)
    : (p.types && !p.gate ? requantiseWide : requantise)(acc, multiplier, shift);
  return clampInt(p.yZero + scaled, p.min, p.max);
}

const noRoom = (what: string, where: string, limit: number, tryThis: string): RunletError =>
  new RunletError('RN442', { what, where, why: `sums are int32, which has room for ${limit}`, tryThis });

/** Number of int16 values whose sum fits int32. */
const maxInt16 = 2 ** 16 - 1;

/** @throws RunletError RN442 if the sum of `count` int16 values does not fit int32 */
export function checkCount(types: Types | undefined, count: number, where: string): void {
  if (types?.x !== 'int16' || count <= maxInt16) return;
  throw noRoom(`a mean of ${count} int16 values`, where, maxInt16, 'int8 for the input of this layer, or a shorter window');
}

/** Number of products of two int8 less their zero points (at most 255 each) whose sum fits int32. */
const maxProducts = Math.floor((2 ** 31 - 1) / 255 ** 2);

/** @throws RunletError RN442 if a sum of `count` products of two int8 does not fit int32 */
export function checkProducts(count: number, where: string): void {
  if (count > maxProducts) throw noRoom(`a sum of ${count} products of int8`, where, maxProducts, 'a shorter window');
}
