/**
 * Conv1DTranspose and Conv2DTranspose: rows spread by the stride with zeros between them, then a convolution
 * with the reversed kernel (docs/adr/0032).
 *
 * In: channels-last values, kernels [k...][out][in].  Out: upsample and conv.  Source: Keras'
 * deconv_output_length, TensorFlow's conv2d_transpose.
 */
import { kernelOfOne, noClamp } from '../../../graph/types.ts';
import { fileShapeOf, slideAlong, transposedPadding } from '../../layout.ts';
import type { Value as AnyValue } from '../../onnx/values.ts';
import type { Context, Value } from '../context.ts';
import { refuse } from '../fail.ts';
import type { Layer } from '../model.ts';
import { biasOf, placesOf } from './conv.ts';
import { activate } from './pointwise.ts';
import { spatialInput, spatialLayout } from './spatial.ts';

export const lowerConvTranspose =
  (count: number) =>
  (ctx: Context, layer: Layer, xs: Value[]): AnyValue => {
    const { value, config, axes } = spatialInput(layer, xs, count);
    const kernel = config.lengths('kernel_size', count, 0);
    const strides = config.lengths('strides', count, 1);
    const same = config.text('padding', 'valid') === 'same';
    if (!same && config.text('padding', 'valid') !== 'valid') refuse(`padding ${config.text('padding', '')}`);
    if (config.lengths('dilation_rate', count, 1).some((d) => d !== 1)) refuse('a dilation');
    if (config.has('output_padding')) refuse('an output_padding');
    const lengths = fileShapeOf(value.layout);
    const geometry = { ...kernelOfOne };
    const apart = { t: 1, f: 1, between: 'zero' as const };
    for (const [i, axis] of axes.entries()) {
      const [k, stride, length] = [kernel[i], strides[i], lengths[i + 1]] as [number, number, number];
      const out = length * stride + (same ? 0 : Math.max(k - stride, 0));
      const pad = transposedPadding(length, out, k, stride, same);
      if (pad[0] < 0 || pad[1] < 0) refuse('its padding is longer than its kernel');
      slideAlong(geometry, axis, k, 1, 1, pad);
      apart[axis] = stride;
    }
    const outChannels = config.lengths('filters', 1, 0)[0] as number;
    const { c } = ctx.shape(value);
    const data = ctx.weight(layer, ['kernel'], [...kernel, outChannels, c]);
    const weights = new Float32Array(data.length);
    const places = placesOf(geometry, axes).toReversed();
    let at = 0;
    for (let o = 0; o < outChannels; o++)
      for (const place of places) {
        const from = (place * outChannels + o) * c;
        weights.set(data.subarray(from, from + c), at);
        at += c;
      }
    const bias = biasOf(ctx, layer, config, outChannels);
    const still = apart.t === 1 && apart.f === 1;
    const rows = still ? value : ctx.put('upsample', [value], apart, `${layer.name}/apart`, () => value.layout);
    const attrs = { ...geometry, groups: 1, outChannels, weights: { data: weights }, bias, clamp: noClamp };
    return activate(ctx, layer, ctx.put('conv', [rows], attrs, layer.name, spatialLayout(axes)), config.activation());
  };
