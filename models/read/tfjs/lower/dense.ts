/**
 * Dense: fully connected over the last dimension.
 *
 * In: [..., k] and a kernel [k][units].  Out: dense where the last dimension holds the whole window, conv
 * of one place where it holds a frame's channels, or of all feature rows where it holds the frame. Source:
 * Keras' Dense.
 */
import { elementsOf, frameOf, kernelOfOne, noClamp } from '../../../graph/types.ts';
import { dim, orderOf, showLayout, toNormalForm } from '../../layout.ts';
import { Config, type Context, type Value } from '../context.ts';
import { refuse } from '../fail.ts';
import type { Layer } from '../topology.ts';
import { activate } from './pointwise.ts';

export function lowerDense(ctx: Context, layer: Layer, [x]: Value[]): Value {
  const value = x as Value;
  ctx.plain(value);
  const config = new Config(layer);
  const units = config.lengths('units', 1, 0)[0] as number;
  const shape = ctx.shape(value);
  const factors = value.layout.at(-1) ?? [];
  const inputs = factors.reduce((n, f) => n * f.length, 1);
  const data = ctx.weight(layer, ['kernel'], [inputs, units]);
  const bias = config.boolean('use_bias', true) ? ctx.weight(layer, ['bias'], [units]) : null;
  const layout = () => [...value.layout.slice(0, -1), dim('c', units)];
  const whole = inputs === elementsOf(shape);
  const isFrame = !whole && inputs === frameOf(shape) && factors.every((f) => f.axis !== 't');
  if (!whole && !isFrame && (factors.some((f) => f.axis !== 'c') || inputs !== shape.c))
    refuse(`the last dimension of ${showLayout(value.layout)} is neither the window, nor a frame, nor its channels`);
  const over = whole ? shape : { t: 1, f: isFrame ? shape.f : 1, c: shape.c };
  const map = toNormalForm(orderOf([factors]), over);
  const weights = new Float32Array(units * inputs);
  for (let u = 0; u < units; u++)
    for (let i = 0; i < inputs; i++) weights[u * inputs + i] = data[(map[i] as number) * units + u] as number;
  const common = { weights: { data: weights }, bias, clamp: noClamp };
  const y = whole
    ? ctx.emit('dense', [value], { ...common, units }, layer.name, layout)
    : ctx.emit(
        'conv',
        [value],
        { ...kernelOfOne, ...common, kernelF: over.f, groups: 1, outChannels: units },
        layer.name,
        layout,
      );
  return activate(ctx, layer, y, config.activation());
}
