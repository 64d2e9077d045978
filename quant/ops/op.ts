/**
 * What an operator is in integers: parameters made once from the int8 graph, and the bit-exact reference.
 *
 * In: a node of an int8 graph with its tensors.  Out: IntParams, which the emitter packs; `run` is what every
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
  /** Where one of both is int16; `multiplier` and `shift` are then those of wideMultiplier (int16.ts). */
  types?: Types;
  /** int8 to int16 with multipliers of 31 bits and two roundings, for a recurrent operator. */
  gate?: true;
  multiplier: Int32Array; // [o]
  shift: Int32Array; // [o], all of one kind
  /** int16 rounded once: the multipliers' lower bits (once.ts); `multiplier` has the upper ones. */
  low?: Int32Array; // [o]
  xZero: number;
  yZero: number;
  /** Input channels of one group (conv), output channels per input channel (depthwise). */
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
  /** Elements averaged for one output. */
  count: number;
  /** mean: applied to sum - count * xZero. */
  scale: Multiplier;
  xZero: number;
  yZero: number;
  types?: Types;
}

/** Values that make one output of a global pool. */
export const placesOf = ({ overF, overC }: GlobalPoolAttrs, x: Tensor | undefined): number =>
  (x?.shape.t ?? 0) * (overF ? (x?.shape.f ?? 0) : 1) * (overC ? (x?.shape.c ?? 0) : 1);

export interface AddParams extends Range {
  /** The second operand where it is constant, repeated along each frame. */
  constant?: Int8Array;
  types?: Types;
  /** Bits by which inputs are shifted left. */
  extra: number;
  /** A negative multiplier: what the positive one gives is subtracted. */
  x1: Multiplier & { zero: number };
  x2: Multiplier & { zero: number };
  y: Multiplier & { zero: number };
}

export interface MulParams extends Range {
  /** int16: less its zero point. */
  constant?: Ints;
  types?: Types;
  zero1: number;
  zero2: number;
  scale: Multiplier;
  yZero: number;
}

export interface HypotParams extends Range {
  /** Of the inputs and the output. */
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

/** Of int16: tables of 513 entries (curves.ts). */
export interface WideSoftmaxParams extends Range {
  types: Types;
  /** exp from -10 to 0, 15 bits behind the point. */
  exp: Int16Array;
  /** 1 / (1 + x) from 0 to 1, 15 bits behind the point. */
  inverse: Int16Array;
  /** Differences to steps of 10 / 65535. */
  input: Multiplier;
  /** From 15 bits behind the point to the output's scale. */
  output: Multiplier;
}

export interface SoftmaxParams {
  types?: undefined;
  /**
   * exp of the scaled difference (row maximum minus value), Q0.31, index 0..255; 0 below the smallest one
   * that counts.
   */
  exp: Int32Array;
}

/** The rule is at the top of layernorm.ts. */
export interface LayerNormParams extends Range {
  types?: Types;
  /** Values of a row. */
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

/** Of int16, by straight lines between entries (curves.ts). */
export interface CurveParams extends Range {
  types: Types;
  table: Int16Array;
  /** Of sigmoid and tanh. */
  bits: SigmoidalBits;
  /** The input, to steps of the table; a shift to the right. */
  input: Multiplier;
  /** From 15 bits behind the point to the output's scale. */
  output: Multiplier;
}

/**
 * Identity and leaky ReLU with int16 on a side: multipliers for values at or above the zero point, and
 * below it.
 */
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
  /** [gate * units + unit]: the bias less the zero point's share. */
  bias: Int32Array;
  multiplier: Int32Array;
  shift: Int32Array;
  /** Sums of gates are shifted left by so many bits, to 12 behind the point. */
  gateShift: number;
  /** Zero point of the output. */
  zero: number;
  /** Scale of what a state's function gives. */
  unit: number;
  /** The least that it gives, where it has no end; left out: tanh. */
  floor?: number;
  /** From that scale (lstm: of its product with a gate) to the output's. */
  output: Multiplier;
  reverse: boolean;
  carry: boolean;
  /** Of the gates' straight line, 15 bits behind the point; 0: the logistic function. */
  slope: number;
  types: { x: 'int16'; y: 'int8' };
}

export interface LstmParams extends RecurrentParams {
  forget: Multiplier;
  input: Multiplier;
  /** Of the cell, to the tanh's input. */
  tanh: { multiplier: number; shift: number };
  /** Largest |cell|; 32768: any. */
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

/** Moves of the output in steps, of each channel or of all, away from an integer, and `lift` upwards. */
export interface Steps {
  by: Iterable<number>;
  from: number;
  lift?: number;
}

/** What two roundings by a shift differ from one, in steps. */
export const twoRoundings = (shift: number, { zeroPoint }: QuantParams): Steps => ({ by: [halfGrid(shift)], from: zeroPoint });

/** Averages round halves away from the integer 0: any move below half of 1 / count decides them. */
export const awayFromZero: Steps = { by: [2 ** -14], from: 0 };

export interface IntOp<K extends OpName> {
  name: K;
  prepare(node: NodeOf<K>, x: Tensor[], y: Tensor): IntParams[K];
  run(params: IntParams[K], xs: IntTensor[], out: Shape): Ints;
  /**
   * Which types it takes where one of its tensors is int16: `any` mixture, `same` for all, its `own`, or
   * none.
   */
  int16?(attrs: OpAttrs[K]): 'any' | 'same' | 'own' | undefined;
  /**
   * Where input and output must share scale and zero point (quant/legalise.ts inserts a requantisation where
   * a file's do not): the output holds bytes of the input (`moved`), of a part of it (`cut`), of all inputs
   * side by side (`joined`), or averages of them.
   */
  sharesScale?(attrs: OpAttrs[K]): 'moved' | 'cut' | 'joined' | 'averaged' | undefined;
  /**
   * How its roundings differ from one rounding to nearest (quant/nudges.ts); left out, or undefined: they are
   * left alone.
   */
  nudge?(params: IntParams[K], attrs: OpAttrs[K], x: QuantParams, y: QuantParams): Steps | undefined;
}

const notQuantised = (what: string, where: string): RunletError =>
  new RunletError('RN401', {
    what: `${what} has no scale`,
    where,
    why: 'integer parameters need an int8 graph',
    tryThis: 'quantise the model with calibration data first',
  });

/** The tensor's quantisation; RN401 where a graph is not quantised. */
export function quantOf(tensor: Tensor | undefined, where: string): QuantParams {
  if (!tensor?.quant) throw notQuantised(`tensor ${tensor?.name ?? '?'}`, where);
  return tensor.quant;
}

/** A constant operand in int8; RN401 where a graph is not quantised, RN440 where it is int16. */
export function int8Constant(constant: Constant, where: string): { data: Int8Array; quant: QuantParams } {
  if (!constant.quant) throw notQuantised('a constant', where);
  if (constant.data instanceof Int8Array) return { data: constant.data, quant: constant.quant };
  throw new RunletError('RN440', {
    what: 'a constant of int16',
    where,
    why: 'the activation beside it is int8',
    tryThis: 'quantise the float model again',
  });
}

/** A constant operand as int16 with zero point 0, of either type; RN401 where a graph is not quantised. */
export function int16Constant({ data, quant }: Constant, where: string): { data: Int16Array; quant: QuantParams } {
  if (!quant) throw notQuantised('a constant', where);
  return { data: Int16Array.from(data, (v) => v - quant.zeroPoint), quant: { ...quant, zeroPoint: 0 } };
}

/**
 * CalculateActivationRangeQuantized: a real clamp in the output's integers. The quotient is float32, as in
 * TensorFlow Lite.
 */
export function rangeOf(clamp: Clamp, y: QuantParams): Range {
  const at = (real: number) => y.zeroPoint + roundHalfAway(Math.fround(real / y.scale));
  const [low, high] = storedRange(y);
  const min = Number.isFinite(clamp[0]) ? clampInt(at(clamp[0]), low, high) : low;
  const max = Number.isFinite(clamp[1]) ? clampInt(at(clamp[1]), low, high) : high;
  return { min, max };
}
