/**
 * TimeDistributed: a layer that sees each frame by itself.
 *
 * In: [n, t, ...], the layer's config; its weights carry the outer layer's name, in Keras 3 both.  Out: the
 * same layer on a value without the dimension of time, which it gets back: along time all of these layers
 * have a kernel of one place. Source: Keras' TimeDistributed.
 */
import { dim } from '../../layout.ts';
import type { Value as AnyValue } from '../../onnx/values.ts';
import type { Context, Value } from '../context.ts';
import { refuse } from '../fail.ts';
import { isObject, type Json, type Layer } from '../model.ts';

type Lower = (ctx: Context, layer: Layer, xs: Value[], kwargs: Json) => AnyValue | AnyValue[];

/** Layers that read one frame, beside those that do nothing. */
const perFrame: ReadonlySet<string> = new Set(
  'Activation AveragePooling1D BatchNormalization Conv1D Dense DepthwiseConv1D ELU Flatten LayerNormalization LeakyReLU MaxPooling1D ReLU Reshape SeparableConv1D Softmax'.split(
    ' ',
  ),
);

export const lowerTimeDistributed =
  (identities: readonly string[], lowering: (className: string) => Lower | undefined): Lower =>
  (ctx, layer, [x]) => {
    const { tensor, layout } = x as Value;
    ctx.plain(x as Value);
    const inner = layer.config.layer;
    if (!isObject(inner) || !isObject(inner.config) || typeof inner.class_name !== 'string') return refuse('it holds no layer');
    const [batch = [], time = [], ...rest] = layout;
    if (rest.length === 0 || time.some((f) => f.axis !== 't') || rest.flat().some((f) => f.axis === 't'))
      refuse('there is no time to distribute it over');
    const value = ctx.activationOf(tensor, [batch, ...rest]);
    const own = { ...layer, className: inner.class_name, config: inner.config, inner: String(inner.config.name) };
    const pooled = /^Global(Average|Max)Pooling1D$/.exec(own.className)?.[1];
    const { f } = ctx.shape(value);
    const asPool = { pool_size: [f], strides: [f], padding: 'valid' };
    const whole = pooled && { ...own, className: `${pooled}Pooling1D`, config: { ...own.config, ...asPool } };
    const of = whole || own;
    const lower = perFrame.has(of.className) || identities.includes(of.className) ? lowering(of.className) : undefined;
    if (!lower) return refuse(`a ${own.className} is distributed over time; layers that read one frame are`);
    const y = ctx.activation(ctx.view(layer.name, [lower(ctx, of, [value], {})].flat()), 0);
    if (whole) return { ...y, layout: [batch, time, dim('c', ctx.shape(y).c)] };
    return { ...y, layout: [y.layout[0] ?? [], time, ...y.layout.slice(1)] };
  };
