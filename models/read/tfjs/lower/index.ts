/**
 * The layers that the TensorFlow.js reader lowers, by class name, and why the others are refused.
 */
import { lookup } from '../../../lookup.ts';
import { streamingReason } from '../../refused.ts';
import type { Context, Value } from '../context.ts';
import type { Layer } from '../topology.ts';
import { lowerAttention, lowerMultiHeadAttention } from './attention.ts';
import { lowerBatchNormalization, lowerConv, lowerDepthwise, lowerSeparable } from './conv.ts';
import { lowerDense } from './dense.ts';
import { lowerTimeDistributed } from './distributed.ts';
import { lowerLayerNormalization, lowerNormalization, lowerRmsNormalization, lowerUnitNormalization } from './norm.ts';
import {
  lowerActivation,
  lowerAverage,
  lowerBinary,
  lowerConcatenate,
  lowerExtreme,
  lowerPrelu,
  lowerRelu,
  lowerRescaling,
  lowerSoftmax,
  lowerSubtract,
  lowerUnary,
} from './pointwise.ts';
import { lowerGlobal, lowerPool } from './pool.ts';
import { lowerBidirectional, lowerRecurrent } from './recurrent.ts';
import { lowerRepeatVector, lowerUpSampling } from './rows.ts';
import { lowerCropping, lowerIdentity, lowerMove, lowerZeroPadding } from './shape.ts';
import { withRows } from './spatial.ts';
import { lowerConvTranspose } from './transposed.ts';

export type Lower = (ctx: Context, layer: Layer, xs: Value[]) => Value;

export const identities =
  'Dropout SpatialDropout1D SpatialDropout2D GaussianNoise GaussianDropout AlphaDropout ActivityRegularization Identity'.split(
    ' ',
  );

/** A layer over two dimensions, one of which may lie in the channels of frames. */
const overRows =
  (lower: Lower): Lower =>
  (ctx, layer, xs) =>
    lower(
      ctx,
      layer,
      xs.map((x) => withRows(ctx, x)),
    );

export const lowerings: ReadonlyMap<string, Lower> = new Map<string, Lower>([
  ...identities.map((name): [string, Lower] => [name, lowerIdentity]),
  ['Activation', lowerActivation],
  ['Add', lowerBinary('add')],
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
  ['ELU', lowerUnary('elu', ['alpha'], 1)],
  ['Flatten', lowerMove],
  ['GlobalAveragePooling1D', lowerGlobal('globalavg', 1)],
  ['GlobalAveragePooling2D', overRows(lowerGlobal('globalavg', 2))],
  ['GlobalMaxPooling1D', lowerGlobal('globalmax', 1)],
  ['GlobalMaxPooling2D', overRows(lowerGlobal('globalmax', 2))],
  ['GRU', lowerRecurrent],
  ['LayerNormalization', lowerLayerNormalization],
  ['LeakyReLU', lowerUnary('leakyrelu', ['alpha', 'negative_slope'], 0.3)],
  ['LSTM', lowerRecurrent],
  ['Maximum', lowerExtreme(true)],
  ['MaxPooling1D', lowerPool('maxpool', 1)],
  ['MaxPooling2D', overRows(lowerPool('maxpool', 2))],
  ['Minimum', lowerExtreme(false)],
  ['MultiHeadAttention', lowerMultiHeadAttention],
  ['Multiply', lowerBinary('mul')],
  ['Normalization', lowerNormalization],
  ['Permute', lowerMove],
  ['PReLU', lowerPrelu],
  ['ReLU', lowerRelu],
  ['RepeatVector', lowerRepeatVector],
  ['Rescaling', lowerRescaling],
  ['Reshape', lowerMove],
  ['RMSNormalization', lowerRmsNormalization],
  ['SeparableConv1D', lowerSeparable(1)],
  ['SeparableConv2D', overRows(lowerSeparable(2))],
  ['SimpleRNN', lowerRecurrent],
  ['Softmax', lowerSoftmax],
  ['Subtract', lowerSubtract],
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
  'Add Attention Average Concatenate Maximum Minimum MultiHeadAttention Multiply Subtract'.split(' '),
);

/** The names that models/read/refused.ts knows these layers by. */
const known: Readonly<Record<string, string>> = {
  ConvLSTM2D: 'LSTM',
  ConvLSTM2DCell: 'LSTM',
  AdditiveAttention: 'LinearAttention',
  Dot: 'LinearAttention',
};

/** Why a layer without a lowering is refused. */
export function whyNot(layer: Layer, [x]: readonly (Value | undefined)[], dims: number[] | undefined): string {
  const { className } = layer;
  const seen = { ...(x && { layout: x.layout }), ...(dims && { dims }) };
  return streamingReason(lookup(known, className) ?? className, seen) ?? 'the layer is not supported';
}
