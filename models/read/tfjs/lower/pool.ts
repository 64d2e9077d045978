/**
 * MaxPooling1D/2D, AveragePooling1D/2D, GlobalMaxPooling1D/2D, GlobalAveragePooling1D/2D.
 *
 * In: channels-last values.  Out: pools; 'same' padding never wins a maximum and is not counted in an
 * average. Source: Keras' pooling layers.
 */
import { noClamp } from '../../../graph/types.ts';
import type { Value as AnyValue } from '../../onnx/values.ts';
import { Config } from '../config.ts';
import type { Context, Value } from '../context.ts';
import { refuse } from '../fail.ts';
import type { Layer } from '../model.ts';
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
    return ctx.put(op, [value], { ...geometry, clamp: noClamp }, layer.name, spatialLayout(spatialAxes(value, count)));
  };

export const lowerGlobal =
  (op: 'ReduceMax' | 'ReduceMean', count: number) =>
  (ctx: Context, layer: Layer, [x]: AnyValue[]): AnyValue => {
    const config = new Config(layer);
    const channelsFirst = config.text('data_format', 'channels_last') === 'channels_first';
    if (!channelsFirst) config.channelsLast();
    const axes = Array.from({ length: count }, (_, i) => i + (channelsFirst ? 2 : 1));
    return ctx.onnx(op, [x as AnyValue], { axes, keepdims: Number(config.boolean('keepdims', false)) }, layer.name);
  };
