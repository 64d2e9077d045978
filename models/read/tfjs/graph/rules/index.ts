/** Rules for the operators of graph models, by operator name. */
import { unaryOperators } from '../../../../ops/unary.ts';
import type { NodeDef } from '../nodes.ts';
import type { Rewriter } from '../rewriter.ts';
import { rewriteBatchToSpace, rewriteSpaceToBatch } from './batch.ts';
import {
  rewriteAddN,
  rewriteAs,
  rewriteBiasAdd,
  rewriteDivNoNan,
  rewriteLogSoftmax,
  rewriteSoftmax,
  rewriteSquaredDifference,
  rewriteUnary,
} from './pointwise.ts';
import {
  rewriteCast,
  rewriteConcat,
  rewriteExpandDims,
  rewriteGather,
  rewritePack,
  rewritePad,
  rewriteReduce,
  rewriteReshape,
  rewriteResize,
  rewriteReverse,
  rewriteSlice,
  rewriteSqueeze,
  rewriteStridedSlice,
  rewriteTranspose,
} from './shape.ts';
import {
  rewriteBatchMatMul,
  rewriteBatchNorm,
  rewriteConv,
  rewriteDepthwise,
  rewriteMatMul,
  rewritePool,
  rewriteTransposed,
} from './sliding.ts';

export type Rewrite = (rewriter: Rewriter, node: NodeDef) => void;

const of = (rewrite: Rewrite, ...names: string[]): [string, Rewrite][] => names.map((name) => [name, rewrite]);

export const rewrites: ReadonlyMap<string, Rewrite> = new Map<string, Rewrite>([
  ...of(rewriteUnary, ...unaryOperators('graph')),
  ...of(rewriteConv, 'Conv2D', '_FusedConv2D'),
  ...of(rewriteTransposed, 'Conv2DBackpropInput'),
  ...of(rewriteDepthwise, 'DepthwiseConv2dNative', 'FusedDepthwiseConv2dNative'),
  ...of(rewritePool, 'MaxPool', 'AvgPool'),
  ...of(rewriteBatchNorm, 'FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3'),
  ...of(rewriteMatMul, 'MatMul', '_FusedMatMul'),
  ...of(rewriteBatchMatMul, 'BatchMatMul', 'BatchMatMulV2'),
  ...of(rewriteBiasAdd, 'BiasAdd'),
  ...of(rewriteAs('Add', 2), 'Add', 'AddV2'),
  ...of(rewriteAddN, 'AddN'),
  ...of(rewriteAs('Sub', 2), 'Sub'),
  ...of(rewriteAs('Mul', 2), 'Mul'),
  ...of(rewriteAs('Div', 2), 'RealDiv', 'Div'),
  ...of(rewriteDivNoNan, 'DivNoNan'),
  ...of(rewriteAs('Max', 2), 'Maximum'),
  ...of(rewriteAs('Min', 2), 'Minimum'),
  ...of(rewriteAs('Pow', 2), 'Pow'),
  ...of(rewriteAs('Clip', 3), 'ClipByValue'),
  ...of(rewriteAs('PRelu', 2), 'Prelu'),
  ...of(rewriteAs('Neg', 1), 'Neg'),
  ...of(rewriteAs('Identity', 1), 'Identity', 'StopGradient', 'Snapshot'),
  ...of(rewriteAs('Shape', 1), 'Shape'),
  ...of(rewriteAs('Size', 1), 'Size'),
  ...of(rewriteAs('Expand', 2), 'BroadcastTo'),
  ...of(rewriteSquaredDifference, 'SquaredDifference'),
  ...of(rewriteSoftmax, 'Softmax'),
  ...of(rewriteLogSoftmax, 'LogSoftmax'),
  ...of(rewriteReshape, 'Reshape'),
  ...of(rewriteResize, 'ResizeBilinear', 'ResizeNearestNeighbor'),
  ...of(rewriteExpandDims, 'ExpandDims'),
  ...of(rewriteSqueeze, 'Squeeze'),
  ...of(rewriteTranspose, 'Transpose'),
  ...of(rewriteConcat, 'ConcatV2'),
  ...of(rewritePack, 'Pack'),
  ...of(rewritePad, 'Pad', 'PadV2', 'MirrorPad'),
  ...of(rewriteSlice, 'Slice'),
  ...of(rewriteReverse, 'ReverseV2'),
  ...of(rewriteStridedSlice, 'StridedSlice'),
  ...of(rewriteReduce, 'Mean', 'Max', 'Min', 'Sum', 'Prod'),
  ...of(rewriteGather, 'GatherV2', 'Gather'),
  ...of(rewriteCast, 'Cast'),
  ...of(rewriteSpaceToBatch, 'SpaceToBatchND'),
  ...of(rewriteBatchToSpace, 'BatchToSpaceND'),
]);

/** Operators that are allowed between SpaceToBatchND and BatchToSpaceND. */
export const keepSplit: ReadonlySet<string> = new Set(
  'ExpandDims Squeeze Conv2D _FusedConv2D DepthwiseConv2dNative FusedDepthwiseConv2dNative BiasAdd BatchToSpaceND'.split(' '),
);
