/** Lowerings of layers by class name, and the reasons why other layers are refused. */
import { lookup } from '../../../lookup.ts';
import { type Value as AnyValue, dimsOf } from '../../onnx/values.ts';
import { streamingReason } from '../../refused.ts';
import type { Context, Value } from '../context.ts';
import type { Json, Layer } from '../model.ts';
import { lowerAttention, lowerMultiHeadAttention } from './attention.ts';
import { lowerConv, lowerDepthwise, lowerSeparable } from './conv.ts';
import { lowerDense } from './dense.ts';
import { lowerTimeDistributed } from './distributed.ts';
import {
  lowerBatchNormalization,
  lowerGroupNormalization,
  lowerLayerNormalization,
  lowerNormalization,
  lowerRmsNormalization,
  lowerUnitNormalization,
} from './norm.ts';
import {
  lowerActivation,
  lowerAverage,
  lowerConcatenate,
  lowerDot,
  lowerPairs,
  lowerPrelu,
  lowerRelu,
  lowerRescaling,
  lowerSoftmax,
  lowerUnary,
} from './pointwise.ts';
import { lowerGlobal, lowerPool } from './pool.ts';
import { lowerBidirectional, lowerCells, lowerRecurrent } from './recurrent.ts';
import { lowerRepeatVector, lowerResizing, lowerUpSampling } from './rows.ts';
import { lowerCropping, lowerIdentity, lowerMasking, lowerMove, lowerZeroPadding } from './shape.ts';
import { withRows } from './spatial.ts';
import { lowerConvTranspose } from './transposed.ts';

/** @param kwargs named arguments of the call. @returns its values, or its only value */
export type Lower = (ctx: Context, layer: Layer, xs: Value[], kwargs: Json) => AnyValue | AnyValue[];

export const identities = [
  'Dropout SpatialDropout1D SpatialDropout2D GaussianNoise GaussianDropout AlphaDropout ActivityRegularization Identity',
  'RandomFlip RandomTranslation RandomRotation RandomZoom RandomContrast RandomBrightness',
].flatMap((names) => names.split(' '));

/** Lowers a layer over two dimensions, one of which may lie in the channels of frames. */
const overRows =
  (lower: Lower): Lower =>
  (ctx, layer, xs, kwargs) =>
    lower(
      ctx,
      layer,
      xs.map((x) => withRows(ctx, x)),
      kwargs,
    );

export const lowerings: ReadonlyMap<string, Lower> = new Map<string, Lower>([
  ...identities.map((name): [string, Lower] => [name, lowerIdentity]),
  ['Activation', lowerActivation],
  ['Add', lowerPairs('Add')],
  ['Attention', lowerAttention],
  ['Average', lowerAverage],
  ['AveragePooling1D', lowerPool('avgpool', 1)],
  ['AveragePooling2D', overRows(lowerPool('avgpool', 2))],
  ['BatchNormalization', lowerBatchNormalization],
  ['Bidirectional', lowerBidirectional],
  ['Concatenate', lowerConcatenate],
  ['Conv1D', lowerConv(1)],
  ['Conv1DTranspose', lowerConvTranspose(1)],
  ['Conv2D', overRows(lowerConv(2))],
  ['Conv2DTranspose', overRows(lowerConvTranspose(2))],
  ['Cropping1D', lowerCropping(1)],
  ['Cropping2D', overRows(lowerCropping(2))],
  ['Dense', lowerDense],
  ['DepthwiseConv1D', lowerDepthwise(1)],
  ['DepthwiseConv2D', overRows(lowerDepthwise(2))],
  ['Dot', lowerDot],
  ['ELU', lowerUnary('elu', ['alpha'], 1)],
  ['Flatten', lowerMove],
  ['GlobalAveragePooling1D', lowerGlobal('ReduceMean', 1)],
  ['GlobalAveragePooling2D', lowerGlobal('ReduceMean', 2)],
  ['GlobalMaxPooling1D', lowerGlobal('ReduceMax', 1)],
  ['GlobalMaxPooling2D', lowerGlobal('ReduceMax', 2)],
  ['GroupNormalization', lowerGroupNormalization],
  ['GRU', lowerRecurrent],
  ['LayerNormalization', lowerLayerNormalization],
  ['LeakyReLU', lowerUnary('leakyrelu', ['alpha', 'negative_slope'], 0.3)],
  ['LSTM', lowerRecurrent],
  ['Masking', lowerMasking],
  ['Maximum', lowerPairs('Max')],
  ['MaxPooling1D', lowerPool('maxpool', 1)],
  ['MaxPooling2D', overRows(lowerPool('maxpool', 2))],
  ['Minimum', lowerPairs('Min')],
  ['MultiHeadAttention', lowerMultiHeadAttention],
  ['Multiply', lowerPairs('Mul')],
  ['Normalization', lowerNormalization],
  ['Permute', lowerMove],
  ['PReLU', lowerPrelu],
  ['ReLU', lowerRelu],
  ['RepeatVector', lowerRepeatVector],
  ['Rescaling', lowerRescaling],
  ['Reshape', lowerMove],
  ['Resizing', overRows(lowerResizing)],
  ['RMSNormalization', lowerRmsNormalization],
  ['RNN', lowerCells],
  ['SeparableConv1D', lowerSeparable(1)],
  ['SeparableConv2D', overRows(lowerSeparable(2))],
  ['SimpleRNN', lowerRecurrent],
  ['Softmax', lowerSoftmax],
  ['Subtract', lowerPairs('Sub')],
  ['ThresholdedReLU', lowerUnary('thresholdedrelu', ['theta'], 1)],
  ['TimeDistributed', lowerTimeDistributed(identities, (name) => lowerings.get(name))],
  ['UnitNormalization', lowerUnitNormalization],
  ['UpSampling1D', lowerUpSampling(1)],
  ['UpSampling2D', overRows(lowerUpSampling(2))],
  ['ZeroPadding1D', lowerZeroPadding(1)],
  ['ZeroPadding2D', overRows(lowerZeroPadding(2))],
]);

/** Layers that read more than one value. */
export const joins: ReadonlySet<string> = new Set(
  'Add Attention Average Concatenate Dot Maximum Minimum MultiHeadAttention Multiply Subtract'.split(' '),
);

/** Layers that are plain ONNX operators, and so take the same values as these. */
export const operators: ReadonlySet<string> = new Set(
  'Add Average Concatenate GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D Maximum Minimum Multiply Subtract'.split(
    ' ',
  ),
);

/** Names that models/read/refused.ts has for these layers. */
const known: Readonly<Record<string, string>> = {
  AdditiveAttention: 'LinearAttention',
};

const convolved =
  'its state is convolved at every step, which no kernel here does; a convolution in TimeDistributed and an LSTM behind it are read';
const reasons: Readonly<Record<string, string>> = {
  ConvLSTM1D: convolved,
  ConvLSTM2D: convolved,
  ConvLSTM2DCell: convolved,
};

/** Returns why a layer without a lowering is refused. */
export function whyNot({ className }: Pick<Layer, 'className'>, x: AnyValue | undefined): string {
  const seen = x?.kind === 'activation' ? { layout: x.layout, dims: dimsOf(x) } : {};
  const reason = lookup(reasons, className) ?? streamingReason(lookup(known, className) ?? className, seen);
  return reason ?? 'the layer is not supported';
}
