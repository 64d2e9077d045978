/**
 * The rules of all operators except those of variables.
 *
 * In: an operator's name.  Out: its rule.
 */
import type { Rule } from '../runtime.ts';
import type { OperatorName } from '../schema.ts';
import { dequantize, logisticRule, quantize, relu, softmax, tanhRule } from './activation.ts';
import { add, mul, sub } from './binary.ts';
import { blocks, concatenation, pack, pad, reshape, slice, split, stridedSlice, transpose } from './move.ts';
import { mean, pool } from './pool.ts';
import { conv, depthwise, fullyConnected } from './weights.ts';

export const rules: Partial<Record<OperatorName, Rule>> = {
  ADD: add,
  AVERAGE_POOL_2D: pool,
  BATCH_TO_SPACE_ND: blocks,
  CONCATENATION: concatenation,
  CONV_2D: conv,
  DEPTHWISE_CONV_2D: depthwise,
  DEQUANTIZE: dequantize,
  EXPAND_DIMS: reshape,
  FULLY_CONNECTED: fullyConnected,
  LOGISTIC: logisticRule,
  MAX_POOL_2D: pool,
  MEAN: mean,
  MUL: mul,
  PACK: pack,
  PAD: pad,
  QUANTIZE: quantize,
  RELU: relu,
  RELU6: relu,
  RESHAPE: reshape,
  SLICE: slice,
  SOFTMAX: softmax,
  SPACE_TO_BATCH_ND: blocks,
  SPLIT: split,
  SPLIT_V: split,
  SQUEEZE: reshape,
  STRIDED_SLICE: stridedSlice,
  SUB: sub,
  TANH: tanhRule,
  TRANSPOSE: transpose,
};
