/**
 * What an operator is in integers: parameters made once from the int8 graph, and the bit-exact reference.
 *
 * In: a node of an int8 graph with its tensors.  Out: IntParams, which the emitter packs; `run` is what every kernel must equal.
 * Source: TensorFlow Lite 8-bit quantisation specification.
 */
import { RunletError } from '../../models/error.ts';
import type { Clamp, NodeOf, OpName, QuantParams, Shape, Tensor } from '../../models/graph/types.ts';
import type { SlidingGeometry } from '../../models/ops/sliding.ts';
import { clampInt, type Multiplier, roundHalfAway } from '../fixed-point.ts';

export interface IntTensor {
  data: Int8Array; // [t][f][c]
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
  multiplier: Int32Array; // [o]
  shift: Int32Array; // [o]
  xZero: number;
  yZero: number;
  /** Input channels of one group (conv), output channels per input channel (depthwise). */
  per: number;
}

export interface PoolParams extends Range {
  geometry: SlidingGeometry;
  countIncludePad: boolean;
  xZero: number;
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
}

export interface AddParams extends Range {
  /** The second operand where it is constant, repeated along each frame. */
  constant?: Int8Array;
  x1: Multiplier & { zero: number };
  x2: Multiplier & { zero: number };
  y: Multiplier & { zero: number };
}

export interface MulParams extends Range {
  constant?: Int8Array;
  zero1: number;
  zero2: number;
  scale: Multiplier;
  yZero: number;
}

export interface SoftmaxParams {
  /** exp of the scaled difference (row maximum minus value), Q0.31, index 0..255; 0 below the smallest one that counts. */
  exp: Int32Array;
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
  concat: { axis: 'c' | 'f' };
  history: { before: number; after: number; zero: number };
  slice: { axis: 'c' | 'f'; from: number; to: number };
  /** table[q + 128] */
  activation: { table: Int8Array };
  softmax: SoftmaxParams;
}

export interface IntOp<K extends OpName> {
  name: K;
  prepare(node: NodeOf<K>, x: Tensor[], y: Tensor): IntParams[K];
  run(params: IntParams[K], xs: IntTensor[], out: Shape): Int8Array;
  /** Input and output must share scale and zero point (quant/legalise.ts inserts a requantisation where a file's do not). */
  sharesScale?: boolean;
}

/** The tensor's quantisation; RN401 where a graph is not quantised. */
export function quantOf(tensor: Tensor | undefined, where: string): QuantParams {
  if (!tensor?.quant) {
    throw new RunletError('RN401', {
      what: `tensor ${tensor?.name ?? '?'} has no scale`,
      where,
      why: 'integer parameters need an int8 graph',
      tryThis: 'quantise the model with calibration data first',
    });
  }
  return tensor.quant;
}

/** CalculateActivationRangeQuantized: a real clamp in the output's integers. The quotient is float32, as in TensorFlow Lite. */
export function rangeOf(clamp: Clamp, y: QuantParams): Range {
  const at = (real: number) => y.zeroPoint + roundHalfAway(Math.fround(real / y.scale));
  const min = Number.isFinite(clamp[0]) ? clampInt(at(clamp[0]), -128, 127) : -128;
  const max = Number.isFinite(clamp[1]) ? clampInt(at(clamp[1]), -128, 127) : 127;
  return { min, max };
}
