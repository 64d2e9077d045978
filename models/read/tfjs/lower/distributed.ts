/**
 * TimeDistributed: applies a layer to each frame separately.
 *
 * In: [n, t, ...], the layer's config; its weights carry the outer layer's name, in Keras 3 both names.  Out:
 * the same layer on a value without the time dimension, which is then restored: along time all these layers
 * have a kernel of one place. Source: Keras' TimeDistributed.
 */
import { dim } from '../../layout.ts';
import type { Value as AnyValue } from '../../onnx/values.ts';
import type { Context, Value } from '../context.ts';
import { refuse } from '../fail.ts';
import { isObject, type Json, type Layer } from '../model.ts';

type Lower = (ctx: Context, layer: Layer, xs: Value[], kwargs: Json) => AnyValue | AnyValue[];

/** Layers that read one frame, in addition to the identities. */
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
    const innerLayer = { ...layer, className: inner.class_name, config: inner.config, inner: String(inner.config.name) };
    const pooled = /^Global(Average|Max)Pooling1D$/.exec(innerLayer.className)?.[1];
    const { f } = ctx.shape(value);
    const asPool = { pool_size: [f], strides: [f], padding: 'valid' };
    const whole = pooled && { ...innerLayer, className: `${pooled}Pooling1D`, config: { ...innerLayer.config, ...asPool } };
    const of = whole || innerLayer;
    const lower = perFrame.has(of.className) || identities.includes(of.className) ? lowering(of.className) : undefined;
    if (!lower) return refuse(`a ${innerLayer.className} is distributed over time, and only layers that read one frame may be`);
    const y = ctx.activation(ctx.view(layer.name, [lower(ctx, of, [value], {})].flat()), 0);
    if (whole) return { ...y, layout: [batch, time, dim('c', ctx.shape(y).c)] };
    return { ...y, layout: [y.layout[0] ?? [], time, ...y.layout.slice(1)] };
  };
