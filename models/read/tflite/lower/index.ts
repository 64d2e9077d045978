/**
 * The operators that are read, by their TensorFlow Lite names, and why others are not.
 */
import type { Context } from '../context.ts';
import type { TfOperator } from '../model.ts';
import { lowerBatchToSpace, lowerSpaceToBatch } from './batch.ts';
import { lowerBinary, lowerConcat } from './binary.ts';
import { lowerConv, lowerDepthwise } from './conv.ts';
import { lowerDense } from './dense.ts';
import { lowerActivation, lowerDequantize, lowerLeakyRelu, lowerQuantize, lowerSoftmax } from './pointwise.ts';
import { lowerPool, lowerReduce } from './pool.ts';
import { lowerPad, lowerReshape, lowerTranspose } from './shape.ts';

export const lowerings: Record<string, (context: Context, op: TfOperator) => void> = {
  ADD: lowerBinary,
  AVERAGE_POOL_2D: lowerPool,
  BATCH_TO_SPACE_ND: lowerBatchToSpace,
  CONCATENATION: lowerConcat,
  CONV_2D: lowerConv,
  DEPTHWISE_CONV_2D: lowerDepthwise,
  DEQUANTIZE: lowerDequantize,
  EXPAND_DIMS: lowerReshape,
  FULLY_CONNECTED: lowerDense,
  HARD_SWISH: lowerActivation,
  LEAKY_RELU: lowerLeakyRelu,
  LOGISTIC: lowerActivation,
  MAX_POOL_2D: lowerPool,
  MEAN: lowerReduce,
  MUL: lowerBinary,
  PAD: lowerPad,
  PADV2: lowerPad,
  QUANTIZE: lowerQuantize,
  REDUCE_MAX: lowerReduce,
  RELU: lowerActivation,
  RELU6: lowerActivation,
  RELU_N1_TO_1: lowerActivation,
  RESHAPE: lowerReshape,
  SOFTMAX: lowerSoftmax,
  SPACE_TO_BATCH_ND: lowerSpaceToBatch,
  SQUEEZE: lowerReshape,
  SUB: lowerBinary,
  TANH: lowerActivation,
  TRANSPOSE: lowerTranspose,
};

const state = 'the model carries its own state from step to step; export the windowed model';
const recurrent = 'recurrence is not a convolution';
const cut = 'cutting a tensor apart has no operator';

/** Why an operator is not read. */
export function reasonFor(op: string): string {
  if (op.startsWith('CUSTOM')) return 'custom operators are code that the file does not hold';
  return reasons[op] ?? 'there is no such operator in time-major normal form';
}

const reasons: Record<string, string> = {
  ASSIGN_VARIABLE: state,
  CALL_ONCE: state,
  READ_VARIABLE: state,
  VAR_HANDLE: state,
  LSTM: recurrent,
  RNN: recurrent,
  SVDF: recurrent,
  UNIDIRECTIONAL_SEQUENCE_LSTM: recurrent,
  UNIDIRECTIONAL_SEQUENCE_RNN: recurrent,
  BIDIRECTIONAL_SEQUENCE_LSTM: 'bidirectional recurrence reads the window backwards',
  BIDIRECTIONAL_SEQUENCE_RNN: 'bidirectional recurrence reads the window backwards',
  IF: 'control flow has no streaming rule',
  WHILE: 'control flow has no streaming rule',
  SLICE: cut,
  SPLIT: cut,
  SPLIT_V: cut,
  STRIDED_SLICE: cut,
  MIRROR_PAD: 'mirrored padding depends on the window',
  BATCH_MATMUL: 'attention over the window is not read',
  PRELU: 'a slope per channel has no kernel; LEAKY_RELU has',
  DIV: 'division has no kernel; multiply by the inverse',
};
