/**
 * Conv1D, Conv2D, DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D and SeparableConv2D.
 *
 * In: channels-last values; kernels [k...][in / groups][out], depthwise [k...][in][multiplier].
 * Out: conv or depthwise.
 * Source: Keras' layers.
 */
import { type DilatedAttrs, kernelOfOne, noClamp } from '../../../graph/types.ts';
import type { Value as AnyValue } from '../../onnx/values.ts';
import { Config } from '../config.ts';
import type { Context, Value } from '../context.ts';
import { refuse } from '../fail.ts';
import type { Layer } from '../model.ts';
import { activate } from './pointwise.ts';
import { slidingOf, spatialAxes, spatialLayout } from './spatial.ts';

/** Returns the flat indexes in the file's kernel of the places in our order [kt][kf]. */
export function placesOf(g: DilatedAttrs, axes: readonly ('t' | 'f')[]): number[] {
  const places: number[] = [];
  const lengths = { t: g.kernelT, f: g.kernelF };
  for (let t = 0; t < g.kernelT; t++)
    for (let f = 0; f < g.kernelF; f++) places.push(axes.reduce((at, axis) => at * lengths[axis] + (axis === 't' ? t : f), 0));
  return places;
}

/** Reads the parts that these layers share. Pending zeros of the input go into the geometry. */
function begin(ctx: Context, layer: Layer, x: Value, count: number) {
  const config = new Config(layer);
  config.channelsLast();
  const kernel = config.lengths('kernel_size', count, 0);
  const strides = config.lengths('strides', count, 1);
  const dilations = config.lengths('dilation_rate', count, 1);
  const geometry = slidingOf(x, config, kernel, strides, dilations);
  const axes = spatialAxes(x, count);
  return { config, kernel, geometry, axes, input: ctx.activationOf(x.tensor, x.layout) };
}

export const biasOf = (ctx: Context, layer: Layer, config: Config, channels: number): Float32Array | null =>
  config.boolean('use_bias', true) ? ctx.weight(layer, ['bias'], [channels]) : null;

export const lowerConv =
  (count: number) =>
  (ctx: Context, layer: Layer, [x]: Value[]): AnyValue => {
    const { config, kernel, geometry, axes, input } = begin(ctx, layer, x as Value, count);
    const groups = config.lengths('groups', 1, 1)[0] as number;
    const outChannels = config.lengths('filters', 1, 0)[0] as number;
    const { c } = ctx.shape(input);
    if (c % groups !== 0 || outChannels % groups !== 0) refuse(`${groups} groups for ${c} channels in and ${outChannels} out`);
    const per = c / groups;
    const data = ctx.weight(layer, ['kernel'], [...kernel, per, outChannels]);
    const places = placesOf(geometry, axes);
    const weights = new Float32Array(data.length);
    let at = 0;
    for (let o = 0; o < outChannels; o++)
      for (const place of places)
        for (let i = 0; i < per; i++) weights[at++] = data[(place * per + i) * outChannels + o] as number;
    const bias = biasOf(ctx, layer, config, outChannels);
    const attrs = { ...geometry, groups, outChannels, weights: { data: weights }, bias, clamp: noClamp };
    const y = ctx.put('conv', [input], attrs, layer.name, spatialLayout(axes));
    return activate(ctx, layer, y, config.activation());
  };

/** Lowers a depthwise convolution, alone or in a separable one. @param names names of its weights */
function depthwise(ctx: Context, layer: Layer, x: Value, count: number, names: string[], isAlone: boolean) {
  const begun = begin(ctx, layer, x, count);
  const { config, kernel, geometry, axes, input } = begun;
  // TensorFlow.js leaves the multiplier of a separable convolution out of its config
  const [multiplier = 0] = config.has('depth_multiplier')
    ? config.lengths('depth_multiplier', 1, 1)
    : ctx.dimsOf(layer, names).slice(-1);
  const { c } = ctx.shape(input);
  const data = ctx.weight(layer, names, [...kernel, c, multiplier]);
  const row = c * multiplier;
  const weights = new Float32Array(data.length);
  for (const [i, place] of placesOf(geometry, axes).entries())
    weights.set(data.subarray(place * row, (place + 1) * row), i * row);
  const bias = isAlone ? biasOf(ctx, layer, config, row) : null;
  const attrs = { ...geometry, multiplier, weights: { data: weights }, bias, clamp: noClamp };
  const name = isAlone ? layer.name : `${layer.name}/depthwise`;
  return { config, y: ctx.put('depthwise', [input], attrs, name, spatialLayout(axes)), axes };
}

export const lowerDepthwise =
  (count: number) =>
  (ctx: Context, layer: Layer, [x]: Value[]): AnyValue => {
    const { config, y } = depthwise(ctx, layer, x as Value, count, ['depthwise_kernel', 'kernel'], true);
    return activate(ctx, layer, y, config.activation());
  };

export const lowerSeparable =
  (count: number) =>
  (ctx: Context, layer: Layer, [x]: Value[]): AnyValue => {
    const { config, y, axes } = depthwise(ctx, layer, x as Value, count, ['depthwise_kernel'], false);
    const outChannels = config.lengths('filters', 1, 0)[0] as number;
    const { c } = ctx.shape(y);
    const data = ctx.weight(layer, ['pointwise_kernel'], [...new Array(count).fill(1), c, outChannels]);
    const weights = Float32Array.from(data, (_, i) => data[(i % c) * outChannels + Math.floor(i / c)] as number);
    const bias = biasOf(ctx, layer, config, outChannels);
    const attrs = { ...kernelOfOne, groups: 1, outChannels, weights: { data: weights }, bias, clamp: noClamp };
    return activate(ctx, layer, ctx.put('conv', [y], attrs, layer.name, spatialLayout(axes)), config.activation());
  };
