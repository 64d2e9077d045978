/**
 * The layers that the TensorFlow.js reader lowers, by class name, and why the others are refused.
 */
import { lookup } from '../../../lookup.ts';
import { streamingReason } from '../../refused.ts';
import type { Context, Value } from '../context.ts';
import type { Layer } from '../topology.ts';
import { lowerAttention } from './attention.ts';
import { lowerBatchNormalization, lowerConv, lowerDepthwise, lowerSeparable } from './conv.ts';
import { lowerDense, lowerTimeDistributed } from './dense.ts';
import { lowerLayerNormalization } from './norm.ts';
import {
  lowerActivation,
  lowerBinary,
  lowerConcatenate,
  lowerRelu,
  lowerRescaling,
  lowerSoftmax,
  lowerSubtract,
  lowerUnary,
} from './pointwise.ts';
import { lowerGlobal, lowerPool } from './pool.ts';
import { lowerBidirectional, lowerRecurrent } from './recurrent.ts';
import { lowerCropping, lowerIdentity, lowerMove, lowerZeroPadding } from './shape.ts';

export type Lower = (ctx: Context, layer: Layer, xs: Value[]) => Value;

export const identities =
  'Dropout SpatialDropout1D SpatialDropout2D GaussianNoise GaussianDropout AlphaDropout ActivityRegularization Identity'.split(
    ' ',
  );

export const lowerings: ReadonlyMap<string, Lower> = new Map<string, Lower>([
  ...identities.map((name): [string, Lower] => [name, lowerIdentity]),
  ['Activation', lowerActivation],
  ['Add', lowerBinary('add')],
  ['AveragePooling1D', lowerPool('avgpool', 1)],
  ['AveragePooling2D', lowerPool('avgpool', 2)],
  ['BatchNormalization', lowerBatchNormalization],
  ['Bidirectional', lowerBidirectional],
  ['Concatenate', lowerConcatenate],
  ['Conv1D', lowerConv(1)],
  ['Conv2D', lowerConv(2)],
  ['Cropping1D', lowerCropping(1)],
  ['Cropping2D', lowerCropping(2)],
  ['Dense', lowerDense],
  ['DepthwiseConv1D', lowerDepthwise(1)],
  ['DepthwiseConv2D', lowerDepthwise(2)],
  ['ELU', lowerUnary('elu', ['alpha'], 1)],
  ['Flatten', lowerMove],
  ['GRU', lowerRecurrent],
  ['GlobalAveragePooling1D', lowerGlobal('globalavg', 1)],
  ['GlobalAveragePooling2D', lowerGlobal('globalavg', 2)],
  ['GlobalMaxPooling1D', lowerGlobal('globalmax', 1)],
  ['GlobalMaxPooling2D', lowerGlobal('globalmax', 2)],
  ['LayerNormalization', lowerLayerNormalization],
  ['LSTM', lowerRecurrent],
  ['LeakyReLU', lowerUnary('leakyrelu', ['alpha', 'negative_slope'], 0.3)],
  ['MaxPooling1D', lowerPool('maxpool', 1)],
  ['MaxPooling2D', lowerPool('maxpool', 2)],
  ['MultiHeadAttention', lowerAttention],
  ['Multiply', lowerBinary('mul')],
  ['Permute', lowerMove],
  ['ReLU', lowerRelu],
  ['Rescaling', lowerRescaling],
  ['Reshape', lowerMove],
  ['SeparableConv1D', lowerSeparable(1)],
  ['SeparableConv2D', lowerSeparable(2)],
  ['SimpleRNN', lowerRecurrent],
  ['Softmax', lowerSoftmax],
  ['Subtract', lowerSubtract],
  ['ThresholdedReLU', lowerUnary('thresholdedrelu', ['theta'], 1)],
  ['TimeDistributed', lowerTimeDistributed],
  ['ZeroPadding1D', lowerZeroPadding(1)],
  ['ZeroPadding2D', lowerZeroPadding(2)],
]);

/** The names that models/read/refused.ts knows these layers by. */
const known: Readonly<Record<string, string>> = {
  ConvLSTM2D: 'LSTM',
  ConvLSTM2DCell: 'LSTM',
  AdditiveAttention: 'Attention',
  Dot: 'Attention',
};

/** Why a layer without a lowering is refused. */
export function whyNot(layer: Layer, [x]: readonly (Value | undefined)[], dims: number[] | undefined): string {
  const { className } = layer;
  const seen = { ...(x && { layout: x.layout }), ...(dims && { dims }) };
  return streamingReason(lookup(known, className) ?? className, seen) ?? 'the layer is not supported';
}
