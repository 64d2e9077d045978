/**
 * The lowering of each operator, by its TensorFlow Lite name, and the reasons why other operators are
 * refused.
 */

import { lookup } from '../../../lookup.ts';
import { unaryOperators } from '../../../ops/unary.ts';
import { feedback, feedsBack, streamingReason } from '../../refused.ts';
import type { Context } from '../context.ts';
import type { TfOperator } from '../model.ts';
import { lowerArgMax } from './argmax.ts';
import { lowerBatchToSpace, lowerSpaceToBatch } from './batch.ts';
import { lowerAddN, lowerBinary, lowerConcat, lowerDiv, lowerNeg, lowerPack } from './binary.ts';
import { lowerConv, lowerDepthwise } from './conv.ts';
import { lowerGather, lowerReverse, lowerSlice, lowerSplit, lowerStridedSlice, lowerUnpack } from './cut.ts';
import { lowerBatchMatMul, lowerDense } from './dense.ts';
import { lowerFakeQuant } from './fake.ts';
import { lowerFill, lowerReserve, lowerStack, lowerWhile } from './loop.ts';
import { lowerLstm } from './lstm.ts';
import { lowerL2 } from './norm.ts';
import {
  lowerDequantize,
  lowerExtreme,
  lowerLeakyRelu,
  lowerLogSoftmax,
  lowerPow,
  lowerPrelu,
  lowerQuantize,
  lowerSoftmax,
  lowerSquaredDifference,
  lowerUnary,
} from './pointwise.ts';
import { lowerPool, lowerReduce } from './pool.ts';
import { lowerMirrorPad, lowerResize, lowerTile } from './rows.ts';
import { lowerSelect } from './select.ts';
import { lowerPad, lowerReshape, lowerTranspose } from './shape.ts';
import { lowerAssign, lowerCircularBuffer, lowerHandle, lowerRead } from './state.ts';
import { lowerSvdf } from './svdf.ts';
import { lowerTransposed } from './transposed.ts';

export const lowerings: Record<string, (context: Context, op: TfOperator) => void> = {
  ...Object.fromEntries(unaryOperators('tflite').map((name) => [name, lowerUnary])),
  ADD: lowerBinary,
  ADD_N: lowerAddN,
  ARG_MAX: lowerArgMax,
  ASSIGN_VARIABLE: lowerAssign,
  AVERAGE_POOL_2D: lowerPool,
  BATCH_MATMUL: lowerBatchMatMul,
  BATCH_TO_SPACE_ND: lowerBatchToSpace,
  BROADCAST_TO: lowerTile,
  CALL_ONCE: lowerHandle,
  CONCATENATION: lowerConcat,
  CONV_2D: lowerConv,
  'CUSTOM CIRCULAR_BUFFER': lowerCircularBuffer,
  'CUSTOM FlexTensorListReserve': lowerReserve,
  'CUSTOM FlexTensorListStack': lowerStack,
  DEPTHWISE_CONV_2D: lowerDepthwise,
  DEQUANTIZE: lowerDequantize,
  DIV: lowerDiv,
  EXPAND_DIMS: lowerReshape,
  FILL: lowerFill,
  FAKE_QUANT: lowerFakeQuant,
  FULLY_CONNECTED: lowerDense,
  GATHER: lowerGather,
  L2_NORMALIZATION: lowerL2,
  LEAKY_RELU: lowerLeakyRelu,
  LOG_SOFTMAX: lowerLogSoftmax,
  MAXIMUM: lowerExtreme,
  MAX_POOL_2D: lowerPool,
  MEAN: lowerReduce,
  MINIMUM: lowerExtreme,
  MIRROR_PAD: lowerMirrorPad,
  MUL: lowerBinary,
  NEG: lowerNeg,
  PACK: lowerPack,
  PAD: lowerPad,
  PADV2: lowerPad,
  POW: lowerPow,
  PRELU: lowerPrelu,
  QUANTIZE: lowerQuantize,
  READ_VARIABLE: lowerRead,
  REDUCE_MAX: lowerReduce,
  REDUCE_MIN: lowerReduce,
  RESHAPE: lowerReshape,
  RESIZE_BILINEAR: lowerResize,
  RESIZE_NEAREST_NEIGHBOR: lowerResize,
  REVERSE_V2: lowerReverse,
  SELECT: lowerSelect,
  SELECT_V2: lowerSelect,
  SLICE: lowerSlice,
  SOFTMAX: lowerSoftmax,
  SPACE_TO_BATCH_ND: lowerSpaceToBatch,
  SPLIT: lowerSplit,
  SPLIT_V: lowerSplit,
  SQUARED_DIFFERENCE: lowerSquaredDifference,
  SQUEEZE: lowerReshape,
  STRIDED_SLICE: lowerStridedSlice,
  SUB: lowerBinary,
  SUM: lowerReduce,
  SVDF: lowerSvdf,
  TILE: lowerTile,
  TRANSPOSE: lowerTranspose,
  TRANSPOSE_CONV: lowerTransposed,
  UNIDIRECTIONAL_SEQUENCE_LSTM: lowerLstm,
  UNPACK: lowerUnpack,
  VAR_HANDLE: lowerHandle,
  WHILE: lowerWhile,
};

/** Returns why an operator is refused: the streaming rule that it breaks, or the support that is missing. */
export function reasonFor({ model, values }: Context, { op, inputs }: TfOperator): string {
  if (op.startsWith('CUSTOM')) return 'custom operators are code that the file does not hold';
  const [first, second] = inputs.map((index) => values.get(index)).filter((v) => v !== undefined);
  const dims = model.tensors[inputs[0] ?? -1]?.shape;
  const reason = streamingReason(op, { ...(first && { layout: first.layout }), ...(dims && { dims }) });
  const frames = first && second && feedsBack(first.layout, second.layout);
  return reason ?? (frames ? feedback(frames) : (lookup(reasons, op) ?? 'there is no such operator in time-major normal form'));
}

const reasons: Record<string, string> = {
  IF: 'control flow has no streaming rule',
  REDUCE_ANY: 'it marks frames that layers skip (Masking), which no kernel supports; build the model without it',
};
