/**
 * MaxPooling1D/2D, AveragePooling1D/2D, GlobalMaxPooling1D/2D, GlobalAveragePooling1D/2D.
 *
 * In: channels-last values.  Out: pools; 'same' padding never wins a maximum and does not count in an average. Source: Keras' pooling layers.
 */
import { noClamp } from '../../../graph/types.ts';
import { dim } from '../../layout.ts';
import { Config, type Context, type Value } from '../context.ts';
import { refuse } from '../fail.ts';
import type { Layer } from '../topology.ts';
import { slidingOf, spatialAxes, spatialLayout } from './spatial.ts';

export const lowerPool =
  (op: 'maxpool' | 'avgpool', count: number) =>
  (ctx: Context, layer: Layer, [x]: Value[]): Value => {
    const value = x as Value;
    const config = new Config(layer);
    config.channelsLast();
    if (value.pads) refuse('zeros were added before it, which would take part');
    const size = config.lengths('pool_size', count, 2);
    const strides = config.lengths('strides', count, size);
    const { dilationT: _t, dilationF: _f, ...geometry } = slidingOf(value, config, size, strides, new Array(count).fill(1));
    return ctx.emit(op, [value], { ...geometry, clamp: noClamp }, layer.name, spatialLayout(spatialAxes(value, count)));
  };

export const lowerGlobal =
  (op: 'globalmax' | 'globalavg', count: number) =>
  (ctx: Context, layer: Layer, [x]: Value[]): Value => {
    const value = x as Value;
    const config = new Config(layer);
    config.channelsLast();
    spatialAxes(value, count);
    const keep = config.boolean('keepdims', false);
    const layout = () => [[], ...(keep ? new Array(count).fill([]) : []), dim('c', ctx.shape(value).c)];
    const { t, f } = ctx.shape(value);
    if (value.pads) refuse('zeros were added before it, which would take part');
    if (t === 1 && f === 1) return { tensor: value.tensor, layout: layout() };
    const attrs = { overF: f > 1, clamp: noClamp };
    return op === 'globalmax'
      ? ctx.emit(op, [value], attrs, layer.name, layout)
      : ctx.emit(op, [value], { ...attrs, rule: 'mean' }, layer.name, layout);
  };
