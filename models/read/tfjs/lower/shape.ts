/**
 * Layers that move elements or rename axes: Flatten, Reshape, Permute, ZeroPadding1D/2D, Cropping1D/2D, and
 * layers that do nothing in inference.
 *
 * In: values.  Out: the same tensor with another layout; pending zeros for the next convolution; a slice for
 * cropped features, a history for cropped frames.
 */
import type { Shape } from '../../../graph/types.ts';
import { lookup } from '../../../lookup.ts';
import { dim, fileShapeOf, reshapeLayout, transposeLayout } from '../../layout.ts';
import { Config } from '../config.ts';
import type { Context, Value } from '../context.ts';
import { refuse } from '../fail.ts';
import { Fields } from '../functions/call.ts';
import { functionName } from '../functions/index.ts';
import { moves } from '../functions/parts.ts';
import type { Layer } from '../model.ts';
import { spatialInput } from './spatial.ts';

/**
 * Returns the output dims of a layer that only regroups or transposes; undefined for other layers. `dims`:
 * input dims, batch first.
 */
export function movedDims(layer: Layer, dims: readonly number[]): { dims: number[]; perm?: number[] } | undefined {
  const config = new Config(layer);
  const count = dims.reduce((a, b) => a * b, 1);
  if (layer.className === 'Flatten') {
    config.channelsLast();
    return { dims: [1, count] };
  }
  const isFunction = layer.config.newshape !== undefined;
  if (layer.className === 'Reshape' && !isFunction) {
    const target = config.integers('target_shape');
    const known = target.reduce((n, d) => (d === -1 ? n : n * d), 1);
    const open = target.filter((d) => d === -1).length;
    if (open > 1 || target.some((d) => d < -1 || d === 0) || count % known !== 0)
      refuse(`a target of [${target.join(', ')}] for ${count} values`);
    return { dims: [1, ...target.map((d) => (d === -1 ? count / known : d))] };
  }
  if (layer.className === 'Permute') {
    const perm = [0, ...config.integers('dims')];
    if ([...perm].sort((a, b) => a - b).some((p, i) => p !== i) || perm.length !== dims.length)
      refuse(`dims [${perm.slice(1).join(', ')}] for an input of ${dims.length - 1} dimensions`);
    return { dims: perm.map((p) => dims[p] as number), perm };
  }
  return lookup(moves, functionName(layer.className, layer.config))?.(new Fields(layer, layer.arguments?.[0]?.kwargs), dims);
}

export function lowerMove(ctx: Context, layer: Layer, [x]: Value[]): Value {
  const value = x as Value;
  ctx.plain(value);
  const moved = movedDims(layer, ctx.dims(value));
  if (!moved) return refuse('it does not move');
  const layout = moved.perm ? transposeLayout(value.layout, moved.perm) : reshapeLayout(value.layout, moved.dims, layer.name);
  return ctx.activationOf(value.tensor, layout);
}

export const lowerIdentity = (_ctx: Context, _layer: Layer, [x]: Value[]): Value => x as Value;

/** Lowers a mask of frames, which the caller must have fixed at 1 for all of them. */
export function lowerMasking(ctx: Context, { name }: Layer, [x]: Value[]): Value {
  if (lookup(ctx.fixed, name) !== 1)
    refuse(
      `layers after it skip the frames that it marks, which no kernel here does; if every frame of the signal counts, use --set ${name}=1`,
    );
  ctx.builder.notes.push(`${name}: its mask is 1 for every frame, as asked`);
  return x as Value;
}

export const lowerZeroPadding =
  (count: number) =>
  (ctx: Context, layer: Layer, xs: Value[]): Value => {
    const { value, config, axes } = spatialInput(layer, xs, count);
    const pads = { t: value.pads?.t ?? ([0, 0] as const), f: value.pads?.f ?? ([0, 0] as const) };
    const lengths = fileShapeOf(value.layout);
    const given = config.has('padding') ? config.pairs('padding', count) : new Array<[number, number]>(count).fill([1, 1]);
    const layout = [...value.layout];
    for (const [i, axis] of axes.entries()) {
      const [before, after] = given[i] as [number, number];
      pads[axis] = [pads[axis][0] + before, pads[axis][1] + after];
      layout[i + 1] = dim(axis, (lengths[i + 1] as number) + before + after);
    }
    return { ...ctx.activationOf(value.tensor, layout), pads };
  };

export const lowerCropping =
  (count: number) =>
  (ctx: Context, layer: Layer, xs: Value[]): Value => {
    const { value, config, axes } = spatialInput(layer, xs, count);
    const given = config.pairs('cropping', count);
    let y = value;
    for (const [i, axis] of axes.entries()) {
      const [before, after] = given[i] as [number, number];
      if (before === 0 && after === 0) continue;
      const rows = ctx.shape(y)[axis];
      if (before + after >= rows) refuse(`it drops ${before + after} of ${rows} rows`);
      const { layout } = y;
      const cut = (out: Shape) => layout.map((d, at) => (at === i + 1 ? dim(axis, out[axis]) : d));
      y =
        axis === 't'
          ? ctx.put('history', [y], { before: -before, after: -after }, `${layer.name}/t`, cut)
          : ctx.put('slice', [y], { axis: 'f', from: before, to: rows - after }, layer.name, cut);
    }
    return y;
  };
