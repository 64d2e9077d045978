/**
 * The operators that are read, by their TensorFlow Lite names, and why others are not.
 */
import { feedback, feedsBack, streamingReason } from '../../refused.ts';
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
const cut = 'cutting a tensor apart has no operator';

/** Why an operator is not read: the rule of streaming that it breaks, or what it lacks here. */
export function reasonFor({ model, values }: Context, { op, inputs }: TfOperator): string {
  if (op.startsWith('CUSTOM')) return 'custom operators are code that the file does not hold';
  const [first, second] = inputs.map((index) => values.get(index)).filter((v) => v !== undefined);
  const dims = model.tensors[inputs[0] ?? -1]?.shape;
  const reason = streamingReason(op, { ...(first && { layout: first.layout }), ...(dims && { dims }) });
  const frames = first && second && feedsBack(first.layout, second.layout);
  return reason ?? (frames ? feedback(frames) : (reasons[op] ?? 'there is no such operator in time-major normal form'));
}

const reasons: Record<string, string> = {
  ASSIGN_VARIABLE: state,
  CALL_ONCE: state,
  READ_VARIABLE: state,
  VAR_HANDLE: state,
  SVDF: state,
  IF: 'control flow has no streaming rule',
  WHILE: 'control flow has no streaming rule',
  SLICE: cut,
  SPLIT: cut,
  SPLIT_V: cut,
  STRIDED_SLICE: cut,
  MIRROR_PAD: 'mirrored padding depends on the window',
  PRELU: 'a slope per channel has no kernel; LEAKY_RELU has',
  DIV: 'division has no kernel; multiply by the inverse',
};
