/**
 * The lowerings of ONNX operators, by operator. A lowering returns one value per output of the node.
 */

import { unaryOperators } from '../../../ops/unary.ts';
import type { Lowering, NodeView } from '../context.ts';
import type { Value } from '../values.ts';
import {
  lowerClip,
  lowerExtreme,
  lowerLogSoftmax,
  lowerPow,
  lowerPrelu,
  lowerSelu,
  lowerSoftmax,
  lowerUnary,
} from './activation.ts';
import { lowerArgMax } from './argmax.ts';
import { lowerArithmetic, lowerConcat, lowerHardSigmoid, lowerNeg } from './arithmetic.ts';
import { lowerBatchNormalization, lowerConv } from './conv.ts';
import { lowerEinsum, lowerGemm, lowerMatMul } from './dense.ts';
import { lowerDynamicQuantize, lowerIntegerLayer } from './dynamic.ts';
import { lowerExpand } from './expand.ts';
import { lowerInstanceNormalization, lowerLayerNormalization, lowerLpNormalization } from './norm.ts';
import { lowerGather, lowerGatherElements, lowerGatherNd, lowerSlice, lowerSplit } from './parts.ts';
import { lowerGlobalPool, lowerPool, lowerReduce } from './pool.ts';
import { lowerDequantize, lowerQuantize } from './quantise.ts';
import { lowerRecurrent } from './recurrent.ts';
import { lowerResize } from './resize.ts';
import { lowerIdentity, lowerPad, lowerShape } from './shape.ts';
import { lowerDft, lowerStft } from './spectrum.ts';
import { lowerConvTranspose } from './transposed.ts';
import { lowerComparison, lowerIsNaN, lowerNot, lowerWhere } from './where.ts';

export type Lower = (ctx: Lowering, node: NodeView) => Value[];

export const lowerings: ReadonlyMap<string, Lower> = new Map<string, Lower>([
  ...unaryOperators('onnx').map((name): [string, Lower] => [name, lowerUnary]),
  ['Add', lowerArithmetic],
  ['ArgMax', lowerArgMax],
  ['AveragePool', lowerPool],
  ['BatchNormalization', lowerBatchNormalization],
  ['Cast', lowerIdentity],
  ['Clip', lowerClip],
  ['Concat', lowerConcat],
  ['Conv', lowerConv],
  ['ConvInteger', lowerIntegerLayer],
  ['ConvTranspose', lowerConvTranspose],
  ['DFT', lowerDft],
  ['DequantizeLinear', lowerDequantize],
  ['Div', lowerArithmetic],
  ['Dropout', lowerIdentity],
  ['DynamicQuantizeLinear', lowerDynamicQuantize],
  ['Einsum', lowerEinsum],
  ['Expand', lowerExpand],
  ['Flatten', lowerShape],
  ['GRU', lowerRecurrent],
  ['Gather', lowerGather],
  ['GatherElements', lowerGatherElements],
  ['GatherND', lowerGatherNd],
  ['Gemm', lowerGemm],
  ['GlobalAveragePool', lowerGlobalPool],
  ['GlobalMaxPool', lowerGlobalPool],
  ['GroupNormalization', lowerInstanceNormalization],
  ['Greater', lowerComparison],
  ['GreaterOrEqual', lowerComparison],
  ['HardSigmoid', lowerHardSigmoid],
  ['Identity', lowerIdentity],
  ['InstanceNormalization', lowerInstanceNormalization],
  ['IsNaN', lowerIsNaN],
  ['LSTM', lowerRecurrent],
  ['LayerNormalization', lowerLayerNormalization],
  ['Less', lowerComparison],
  ['LessOrEqual', lowerComparison],
  ['LogSoftmax', lowerLogSoftmax],
  ['LpNormalization', lowerLpNormalization],
  ['MatMul', lowerMatMul],
  ['MatMulInteger', lowerIntegerLayer],
  ['Max', lowerExtreme],
  ['MaxPool', lowerPool],
  ['Min', lowerExtreme],
  ['Mul', lowerArithmetic],
  ['Neg', lowerNeg],
  ['Not', lowerNot],
  ['PRelu', lowerPrelu],
  ['Pad', lowerPad],
  ['Pow', lowerPow],
  ['QuantizeLinear', lowerQuantize],
  ['RNN', lowerRecurrent],
  ['RMSNormalization', lowerLayerNormalization],
  ['ReduceMax', lowerReduce],
  ['ReduceMean', lowerReduce],
  ['ReduceSum', lowerReduce],
  ['Reshape', lowerShape],
  ['Resize', lowerResize],
  ['Selu', lowerSelu],
  ['STFT', lowerStft],
  ['SimplifiedLayerNormalization', lowerLayerNormalization],
  ['Slice', lowerSlice],
  ['Softmax', lowerSoftmax],
  ['Split', lowerSplit],
  ['Squeeze', lowerShape],
  ['Sub', lowerArithmetic],
  ['Tile', lowerExpand],
  ['Transpose', lowerShape],
  ['Unsqueeze', lowerShape],
  ['Upsample', lowerResize],
  ['Where', lowerWhere],
]);
