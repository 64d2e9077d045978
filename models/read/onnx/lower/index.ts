/**
 * The ONNX operators that the reader lowers, by name. A lowering gives one value per output of the node.
 */
import type { Lowering, NodeView } from '../context.ts';
import type { Value } from '../values.ts';
import { lowerActivation, lowerClip, lowerRelu, lowerSoftmax } from './activation.ts';
import { lowerArithmetic, lowerConcat, lowerHardSigmoid, lowerNeg } from './arithmetic.ts';
import { lowerBatchNormalization, lowerConv } from './conv.ts';
import { lowerGemm, lowerMatMul } from './dense.ts';
import { lowerGlobalPool, lowerPool, lowerReduce } from './pool.ts';
import { lowerDequantize, lowerQuantize } from './quantise.ts';
import { lowerIdentity, lowerPad, lowerShape, lowerSlice } from './shape.ts';

export type Lower = (ctx: Lowering, node: NodeView) => Value[];

export const lowerings: ReadonlyMap<string, Lower> = new Map<string, Lower>([
  ['Add', lowerArithmetic],
  ['AveragePool', lowerPool],
  ['BatchNormalization', lowerBatchNormalization],
  ['Cast', lowerIdentity],
  ['Clip', lowerClip],
  ['Concat', lowerConcat],
  ['Conv', lowerConv],
  ['DequantizeLinear', lowerDequantize],
  ['Div', lowerArithmetic],
  ['Dropout', lowerIdentity],
  ['Flatten', lowerShape],
  ['Gemm', lowerGemm],
  ['GlobalAveragePool', lowerGlobalPool],
  ['GlobalMaxPool', lowerGlobalPool],
  ['HardSigmoid', lowerHardSigmoid],
  ['HardSwish', lowerActivation],
  ['Identity', lowerIdentity],
  ['LeakyRelu', lowerActivation],
  ['MatMul', lowerMatMul],
  ['MaxPool', lowerPool],
  ['Mul', lowerArithmetic],
  ['Neg', lowerNeg],
  ['Pad', lowerPad],
  ['QuantizeLinear', lowerQuantize],
  ['ReduceMax', lowerReduce],
  ['ReduceMean', lowerReduce],
  ['Relu', lowerRelu],
  ['Reshape', lowerShape],
  ['Sigmoid', lowerActivation],
  ['Slice', lowerSlice],
  ['Softmax', lowerSoftmax],
  ['Squeeze', lowerShape],
  ['Sub', lowerArithmetic],
  ['Tanh', lowerActivation],
  ['Transpose', lowerShape],
  ['Unsqueeze', lowerShape],
]);
