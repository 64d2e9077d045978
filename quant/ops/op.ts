/**
 * Integer operators: parameters made once from the int8 graph, and the bit-exact reference.
 *
 * In: a node of an int8 graph with its tensors.  Out: IntParams, which the emitter packs; `run`, which every
 * kernel must equal.
 * Source: TensorFlow Lite 8-bit quantisation specification.
 */
import { RunletError } from '../../models/error.ts';
import {
  type Clamp,
  type Constant,
  type GlobalPoolAttrs,
  type Ints,
  type NodeOf,
  type OpAttrs,
  type OpName,
  type PadRows,
  type QuantParams,
  type Shape,
  storedRange,
  type Tensor,
} from '../../models/graph/types.ts';
import type { Products } from '../../models/ops/matmul.ts';
import type { Walk } from '../../models/ops/permute.ts';
import type { SlidingGeometry } from '../../models/ops/sliding.ts';
import { clampInt, halfGrid, type Multiplier, roundHalfAway } from '../fixed-point.ts';
import type { SigmoidalBits } from './curves.ts';
import type { IntType, Types } from './int16.ts';

export interface IntTensor {
  data: Ints; // [t][f][c]
  shape: Shape;
}

export interface Range {
  /** Clamp of the output, fused activation included. */
  min: number;
  max: number;
}

export interface MacParams extends Range {
  geometry: SlidingGeometry;
  weights: Int8Array; // the layout of the operator's attributes
  bias: Int32Array; // [o]
  /**
   * Present if input or output is int16; `multiplier` and `shift` are then from wideMultiplier (int16.ts).
   */
  types?: Types;
  /** True for gates of a recurrent operator: int8 to int16 with 31-bit multipliers and two roundings. */
  gate?: true;
  multiplier: Int32Array; // [o]
  shift: Int32Array; // [o], all of one kind
  /**
   * Only for int16 rounded once: lower bits of the multipliers (once.ts); `multiplier` has the upper bits.
   */
  low?: Int32Array; // [o]
  xZero: number;
  yZero: number;
  /** conv: input channels of one group. depthwise: output channels per input channel. dense: inputs. */
  per: number;
}

export interface PoolParams extends Range {
  geometry: SlidingGeometry;
  countIncludePad: boolean;
  xZero: number;
  types?: Types;
}

export interface GlobalParams extends Range {
  overF: boolean;
  rule: 'avgpool' | 'mean';
  /** Number of values averaged for one output. */
  count: number;
  /** Rule `mean`: applied to sum - count * xZero. */
  scale: Multiplier;
  xZero: number;
  yZero: number;
  types?: Types;
}

export interface GemParams extends Range {
  /** Table and roots of each channel. */
  groups: Uint8Array; // [c]
  /** |x|^p of each byte, less that of byte 0, in fixed point. */
  tables: BigInt64Array; // [group][256]
  /** Smallest sum of each output from -127 on, ascending. */
  roots: BigInt64Array; // [group][255]
}

/** Returns the number of values that one output of a global pool reads. */
export const placesOf = ({ overF, overC }: GlobalPoolAttrs, x: Tensor | undefined): number =>
  (x?.shape.t ?? 0) * (overF ? (x?.shape.f ?? 0) : 1) * (overC ? (x?.shape.c ?? 0) : 1);

export interface AddParams extends Range {
  /** Second operand if it is constant, repeated along each frame. */
  constant?: Int8Array;
  types?: Types;
  /** Number of bits by which inputs are shifted left. */
  extra: number;
  /** A negative multiplier means that the rescaled input is subtracted. */
  x1: Multiplier & { zero: number };
  x2: Multiplier & { zero: number };
  y: Multiplier & { zero: number };
}

export interface MulParams extends Range {
  /** Second operand if it is constant. With int16 its zero point is already subtracted. */
  constant?: Ints;
  types?: Types;
  zero1: number;
  zero2: number;
  scale: Multiplier;
  yZero: number;
}

export interface HypotParams extends Range {
  /** Types of the inputs and the output. */
  types: { a: IntType; b: IntType; y: IntType };
  a: Multiplier & { zero: number };
  b: Multiplier & { zero: number };
  y: Multiplier & { zero: number };
}

export interface MatmulParams extends Range {
  products: Products;
  zero1: number;
  zero2: number;
  scale: Multiplier;
  yZero: number;
}

/** Softmax of int16, with tables of 513 entries (curves.ts). */
export interface WideSoftmaxParams extends Range {
  types: Types;
  /** exp from -10 to 0, 15 fraction bits. */
  exp: Int16Array;
  /** 1 / (1 + x) from 0 to 1, 15 fraction bits. */
  inverse: Int16Array;
  /** Rescales differences to steps of 10 / 65535. */
  input: Multiplier;
  /** Rescales from 15 fraction bits to the output's scale. */
  output: Multiplier;
}

export interface SoftmaxParams {
  types?: undefined;
  /** exp of minus the scaled difference (row maximum minus value), index 0..255, Q0.31; 0 if negligible. */
  exp: Int32Array;
}

/** The header of layernorm.ts explains the rule. */
export interface LayerNormParams extends Range {
  types?: Types;
  /** Number of values in a row. */
  count: number;
  centre: boolean;
  xZero: number;
  squareShift: number;
  epsilon: bigint;
  rootShift: number;
  gain: Int32Array; // [count]
  offset: Int32Array; // [count]
  offsetShift: number;
  outShift: number;
}

/** Sigmoid and tanh of int16, by linear interpolation in a table (curves.ts). */
export interface CurveParams extends Range {
  types: Types;
  table: Int16Array;
  /** Fraction bits of the rescaled input; they tell sigmoid from tanh. */
  bits: SigmoidalBits;
  /** Rescales the input to steps of the table; the shift is to the right. */
  input: Multiplier;
  /** Rescales from 15 fraction bits to the output's scale. */
  output: Multiplier;
}

/** Identity and leaky ReLU with int16 on one side: multipliers at or above the zero point, and below it. */
export interface RescaleParams extends Range {
  types: Types;
  xZero: number;
  yZero: number;
  above: Multiplier;
  below: Multiplier & { negate: boolean };
}

/** int8: table[q + 128]. */
export type ActivationParams = { table: Int8Array; types?: undefined } | RescaleParams | CurveParams;

export interface RecurrentParams {
  units: number;
  /** [gate * units + unit][units]. */
  weights: Int8Array;
  /** [gate * units + unit]: bias, less the zero point of h times the sum of the weights. */
  bias: Int32Array;
  multiplier: Int32Array;
  shift: Int32Array;
  /** Left shift that gives gate sums 12 fraction bits. */
  gateShift: number;
  /** Zero point of the output. */
  zero: number;
  /** Scale of the state function's result. */
  unit: number;
  /** Smallest result of the state function if it is not tanh; absent for tanh. */
  floor?: number;
  /** Rescales from `unit` (lstm: from its product with a gate) to the output's scale. */
  output: Multiplier;
  /** True: rows are processed from the last to the first. */
  reverse: boolean;
  /** True: the state carries over from row to row of a stream. */
  carry: boolean;
  /** Slope of the gates' hard sigmoid, 15 fraction bits; 0: gates use the logistic function. */
  slope: number;
  types: { x: 'int16'; y: 'int8' };
}

export interface LstmParams extends RecurrentParams {
  forget: Multiplier;
  input: Multiplier;
  /** Rescales the cell to the input of tanh16. */
  tanh: { multiplier: number; shift: number };
  /** Largest allowed |cell|; 32768: no limit. */
  clip: number;
}

export interface GruParams extends RecurrentParams {
  resetAfter: boolean;
}

export interface IntParams {
  conv: MacParams;
  depthwise: MacParams;
  dense: MacParams;
  maxpool: PoolParams;
  avgpool: PoolParams;
  globalmax: GlobalParams;
  globalavg: GlobalParams;
  gem: GemParams;
  add: AddParams;
  mul: MulParams;
  concat: { axis: 'c' | 'f'; types?: Types };
  argmax: { last: boolean };
  hypot: HypotParams;
  matmul: MatmulParams;
  upsample: { attrs: OpAttrs['upsample']; zero: number; types?: Types };
  history: { before: number; after: number; own?: PadRows; zero: number; types?: Types };
  regroup: { types?: Types };
  permute: { attrs: OpAttrs['permute']; walk: Walk; types?: Types };
  slice: { axis: 'c' | 'f'; from: number; to: number; types?: Types };
  activation: ActivationParams;
  softmax: SoftmaxParams | WideSoftmaxParams;
  lstm: LstmParams;
  gru: GruParams;
  rnn: RecurrentParams;
  layernorm: LayerNormParams;
}

/**
 * A nudge in steps of the output. `by`: distance per channel, or one for all, away from the integer `from`;
 * `lift`: distance upwards.
 */
export interface Steps {
  by: Iterable<number>;
  from: number;
  lift?: number;
}

/** Returns the difference between two roundings with a shift and one rounding, in steps. */
export const twoRoundings = (shift: number, { zeroPoint }: QuantParams): Steps => ({ by: [halfGrid(shift)], from: zeroPoint });

/** Averages round halves away from the integer 0: any offset below half of 1 / count decides them. */
export const awayFromZero: Steps = { by: [2 ** -14], from: 0 };

export interface IntOp<K extends OpName> {
  name: K;
  prepare(node: NodeOf<K>, x: Tensor[], y: Tensor): IntParams[K];
  run(params: IntParams[K], xs: IntTensor[], out: Shape): Ints;
  /**
   * Types that the operator accepts if one of its tensors is int16: `any` mixture, the `same` for all, or its
   * `own` fixed ones. undefined: it has no int16 form.
   */
  int16?(attrs: OpAttrs[K]): 'any' | 'same' | 'own' | undefined;
  /**
   * Why input and output must share scale and zero point (quant/legalise.ts inserts a requantisation if those
   * of a file differ): the output has values of the input (`moved`), of a part of it (`cut`), of all inputs
   * side by side (`joined`), or averages of them (`averaged`).
   */
  sharesScale?(attrs: OpAttrs[K]): 'moved' | 'cut' | 'joined' | 'averaged' | undefined;
  /** How its roundings differ from one rounding to nearest (quant/nudges.ts); undefined: no nudge. */
  nudge?(params: IntParams[K], attrs: OpAttrs[K], x: QuantParams, y: QuantParams): Steps | undefined;
}

const notQuantised = (what: string, where: string): RunletError =>
  new RunletError('RN401', {
    what: `${what} has no scale`,
    where,
    why: 'integer parameters need an int8 graph',
    tryThis: 'quantise the model with calibration data first',
  });

/** Returns the tensor's quantisation. @throws RN401 if it has none */
export function quantOf(tensor: Tensor | undefined, where: string): QuantParams {
  if (!tensor?.quant) throw notQuantised(`tensor ${tensor?.name ?? '?'}`, where);
  return tensor.quant;
}

/** Returns a constant operand in int8. @throws RN401 if it is not quantised, RN440 if it is not int8 */
export function int8Constant(constant: Constant, where: string): { data: Int8Array; quant: QuantParams } {
  if (!constant.quant) throw notQuantised('a constant', where);
  if (constant.data instanceof Int8Array) return { data: constant.data, quant: constant.quant };
  throw new RunletError('RN440', {
    what: 'a constant of int16',
    where,
    why: 'the other operand is int8',
    tryThis: 'quantise the float model again',
  });
}

/** Returns an int8 or int16 operand as int16 with zero point 0. @throws RN401 if it is not quantised */
export function int16Constant({ data, quant }: Constant, where: string): { data: Int16Array; quant: QuantParams } {
  if (!quant) throw notQuantised('a constant', where);
  return { data: Int16Array.from(data, (v) => v - quant.zeroPoint), quant: { ...quant, zeroPoint: 0 } };
}

/**
 * Converts a real clamp to output integers, as CalculateActivationRangeQuantized (its quotient is float32).
 */
export function rangeOf(clamp: Clamp, y: QuantParams): Range {
  const at = (real: number) => y.zeroPoint + roundHalfAway(Math.fround(real / y.scale));
  const [low, high] = storedRange(y);
  const min = Number.isFinite(clamp[0]) ? clampInt(at(clamp[0]), low, high) : low;
  const max = Number.isFinite(clamp[1]) ? clampInt(at(clamp[1]), low, high) : high;
  return { min, max };
}
