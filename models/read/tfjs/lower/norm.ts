/**
 * LayerNormalization: layernorm.
 *
 * In: a value and the layer's gamma and beta.  Out: one node.  Source: tfjs-layers normalization.ts (axis -1, epsilon 0.001, centre
 * and scale on by default).
 */
import { normAttrs } from '../../norm/attrs.ts';
import { Config, type Context, type Value } from '../context.ts';
import { refuse } from '../fail.ts';
import type { Layer } from '../topology.ts';

export function lowerLayerNormalization(ctx: Context, layer: Layer, [x]: Value[]): Value {
  const config = new Config(layer);
  const { layout } = x as Value;
  const axes = Array.isArray(layer.config.axis) ? config.integers('axis') : [config.number('axis', -1)];
  const wrapped = axes.map((d) => (d < 0 ? d + layout.length : d));
  const dims = wrapped.map((d) => (layout[d] ?? []).reduce((n, f) => n * f.length, 1));
  // along the file's dimensions, 1 where it does not normalise
  const inFile = layout.map((_, d) => (wrapped.includes(d) ? (dims[wrapped.indexOf(d)] as number) : 1));
  const values = (wanted: string, name: string, fallback: number) =>
    config.boolean(wanted, true) ? { dims: inFile, data: ctx.weight(layer, [name], dims) } : { dims: [], data: [fallback] };
  const attrs = normAttrs(layout, {
    axes,
    centre: true,
    epsilon: config.number('epsilon', 1e-3),
    gamma: values('scale', 'gamma', 1),
    beta: values('center', 'beta', 0),
  });
  if (typeof attrs === 'string') return refuse(attrs);
  return ctx.emit('layernorm', [x as Value], attrs, layer.name, () => layout);
}
