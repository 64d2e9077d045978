/**
 * Dense, alone or in a TimeDistributed.
 *
 * In: [..., k] and a kernel [k][units].  Out: dense where the last dimension holds the whole window, conv of kernel 1 where it holds a frame's
 * channels. Source: Keras' Dense.
 */
import { elementsOf, kernelOfOne, noClamp } from '../../../graph/types.ts';
import { dim, orderOf, showLayout, toNormalForm } from '../../layout.ts';
import { Config, type Context, type Value } from '../context.ts';
import { refuse } from '../fail.ts';
import { isObject, type Layer } from '../topology.ts';
import { activate } from './pointwise.ts';

export const lowerDense = (ctx: Context, layer: Layer, xs: Value[]): Value => dense(ctx, layer, xs, ['']);

/** @param before what may stand before the names of its weights */
function dense(ctx: Context, layer: Layer, [x]: Value[], before: readonly string[]): Value {
  const value = x as Value;
  ctx.plain(value);
  const config = new Config(layer);
  const units = config.lengths('units', 1, 0)[0] as number;
  const shape = ctx.shape(value);
  const factors = value.layout.at(-1) ?? [];
  const inputs = factors.reduce((n, f) => n * f.length, 1);
  const data = ctx.weight(
    layer,
    before.map((b) => `${b}kernel`),
    [inputs, units],
  );
  const bias = config.boolean('use_bias', true)
    ? ctx.weight(
        layer,
        before.map((b) => `${b}bias`),
        [units],
      )
    : null;
  const layout = () => [...value.layout.slice(0, -1), dim('c', units)];
  const whole = inputs === elementsOf(shape);
  if (!whole && (factors.some((f) => f.axis !== 'c') || inputs !== shape.c))
    refuse(`the last dimension of ${showLayout(value.layout)} is neither the window nor a frame's channels`);
  const map = whole ? toNormalForm(orderOf([factors]), shape) : Uint32Array.from({ length: inputs }, (_, i) => i);
  const weights = new Float32Array(units * inputs);
  for (let u = 0; u < units; u++)
    for (let i = 0; i < inputs; i++) weights[u * inputs + i] = data[(map[i] as number) * units + u] as number;
  const common = { weights: { data: weights }, bias, clamp: noClamp };
  const y = whole
    ? ctx.emit('dense', [value], { ...common, units }, layer.name, layout)
    : ctx.emit('conv', [value], { ...kernelOfOne, ...common, groups: 1, outChannels: units }, layer.name, layout);
  return activate(ctx, layer, y, config.activation());
}

/** A dense layer applied to every frame; its weights carry the outer layer's name, in Keras 3 both. */
export function lowerTimeDistributed(ctx: Context, layer: Layer, xs: Value[]): Value {
  const inner = layer.config.layer;
  if (!isObject(inner) || inner.class_name !== 'Dense' || !isObject(inner.config))
    return refuse('only a Dense can be distributed over time');
  if ((xs[0]?.layout.length ?? 0) < 3) refuse('there is no time to distribute it over');
  return dense(ctx, { ...layer, config: inner.config }, xs, ['', `${String(inner.config.name)}/`]);
}
