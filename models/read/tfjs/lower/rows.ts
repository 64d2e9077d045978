/**
 * RepeatVector, UpSampling1D and UpSampling2D repeat rows; Resizing gives any number of rows.
 *
 * In: channels-last values.  Out: upsample, or interpolated rows.  Source: Keras' layers; TensorFlow.js
 * places the rows of bilinear interpolation differently (resizeBilinear).
 */

import { resized, rowsBetween } from '../../between.ts';
import { dim, showLayout } from '../../layout.ts';
import { flattened } from '../../onnx/lower/regroup.ts';
import { Config } from '../config.ts';
import type { Context, Value } from '../context.ts';
import { refuse } from '../fail.ts';
import type { Layer } from '../model.ts';
import { spatialInput, spatialLayout } from './spatial.ts';

/** Repeats a row of values as `n` equal rows. */
export function lowerRepeatVector(ctx: Context, layer: Layer, [x]: Value[]): Value {
  const given = x as Value;
  const value = given.layout[1]?.some(({ axis }) => axis === 't') ? flattened(ctx, ctx.view(layer.name, [given]), given) : given;
  const [batch = [], values = [], ...more] = value.layout;
  const [t] = new Config(layer).lengths('n', 1, 0) as [number];
  if (more.length > 0) refuse(`it repeats ${showLayout(value.layout)}, which is no row of values`);
  const layout = () => [batch, dim('t', t), values];
  return t === 1
    ? ctx.activationOf(value.tensor, layout())
    : ctx.put('upsample', [value], { t, f: 1, between: 'repeat' }, layer.name, layout);
}

export const lowerUpSampling =
  (count: number) =>
  (ctx: Context, layer: Layer, xs: Value[]): Value => {
    const { value, config, axes } = spatialInput(layer, xs, count);
    const by = { t: 1, f: 1 };
    for (const [i, size] of config.lengths('size', count, 2).entries()) by[axes[i] as 't' | 'f'] = size;
    const tensor = ctx.plain(value);
    const interpolation = config.text('interpolation', 'nearest');
    if (interpolation !== 'nearest' && interpolation !== 'bilinear')
      refuse(`interpolation ${interpolation}: nearest and bilinear are read`);
    const still = by.t === 1 && by.f === 1;
    const rows = () =>
      interpolation === 'nearest'
        ? ctx.add('upsample', [tensor], { ...by, between: 'repeat' }, layer.name)
        : rowsBetween(
            ctx.add,
            { tensor, shape: ctx.shape(value) },
            by,
            ctx.builder.format === 'tfjs' ? 'start' : 'middle',
            layer.name,
          );
    const out = still ? tensor : rows();
    return ctx.activationOf(out, spatialLayout(axes)(ctx.builder.shape(out)));
  };

/** Lowers bilinear resizing at half pixels. */
export function lowerResizing(ctx: Context, layer: Layer, xs: Value[]): Value {
  const { value, config, axes } = spatialInput(layer, xs, 2);
  if (ctx.builder.format === 'tfjs') refuse('it is read in files of Keras');
  const interpolation = config.text('interpolation', 'bilinear');
  if (interpolation !== 'bilinear') refuse(`interpolation ${interpolation}: bilinear is read`);
  for (const flag of ['crop_to_aspect_ratio', 'pad_to_aspect_ratio', 'antialias'])
    if (config.boolean(flag, false)) refuse(`${flag} is set`);
  const shape = ctx.shape(value);
  const to = { t: 1, f: 1 };
  for (const [i, name] of ['height', 'width'].entries()) [to[axes[i] as 't' | 'f']] = config.lengths(name, 1, 0) as [number];
  const place = (axis: 't' | 'f') => (i: number) => ((i + 0.5) * shape[axis]) / to[axis] - 0.5;
  const tensor = resized(ctx.add, { tensor: ctx.plain(value), shape }, to, { t: place('t'), f: place('f') }, layer.name);
  return ctx.activationOf(tensor, spatialLayout(axes)(ctx.builder.shape(tensor)));
}
