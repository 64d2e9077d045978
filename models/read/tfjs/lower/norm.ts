/**
 * LayerNormalization, RMSNormalization and UnitNormalization as layernorm; BatchNormalization and
 * Normalization as a scale and an offset.
 *
 * In: a value and the layer's constants.  Out: one node, or two if the constants differ between rows.
 * Source: tfjs-layers normalization.ts (axis -1, epsilon 0.001, centre and scale on by default); Keras'
 * RMSNormalization (epsilon 1e-6), UnitNormalization, x / |x|, BatchNormalization, y = gamma * (x - mean) /
 * sqrt(variance + epsilon) + beta, and Normalization, y = (x - mean) / max(sqrt(variance), 1e-7), or its
 * inverse.
 */
import type { Norm } from '../../norm/find.ts';
import type { Constant } from '../../norm/form.ts';
import { scaledBy } from '../../norm/window.ts';
import { constantOf } from '../../onnx/constants.ts';
import { lowerNorm } from '../../onnx/lower/norm.ts';
import type { Value as AnyValue } from '../../onnx/values.ts';
import { Config } from '../config.ts';
import type { Context, Value } from '../context.ts';
import { refuse } from '../fail.ts';
import { isObject, type Layer } from '../model.ts';

/**
 * Lowers the normalisation of a layer over its axes.
 * @param of returns the parameters that depend on the kind of layer
 */
function normalised(
  ctx: Context,
  layer: Layer,
  x: Value,
  of: (config: Config, values: (name: string) => Constant, count: number) => Omit<Norm, 'input' | 'axes'>,
): Value {
  const config = new Config(layer);
  const { layout } = x;
  const axes = Array.isArray(layer.config.axis) ? config.integers('axis') : [config.number('axis', -1)];
  const wrapped = axes.map((d) => (d < 0 ? d + layout.length : d));
  const dims = wrapped.map((d) => (layout[d] ?? []).reduce((n, f) => n * f.length, 1));
  // lengths of the file's dimensions, 1 for those that are not normalised
  const inFile = layout.map((_, d) => (wrapped.includes(d) ? (dims[wrapped.indexOf(d)] as number) : 1));
  const values = (name: string): Constant => ({ dims: inFile, data: ctx.weight(layer, [name], dims) });
  const norm = of(
    config,
    values,
    dims.reduce((a, b) => a * b, 1),
  );
  return lowerNorm(ctx, ctx.view(layer.name, [x]), { axes, ...norm })[0] as Value;
}

const one = (value: number): Constant => ({ dims: [], data: [value] });

export const lowerLayerNormalization = (ctx: Context, layer: Layer, [x]: Value[]): Value =>
  normalised(ctx, layer, x as Value, (config, values) => {
    if (config.boolean('rms_scaling', false)) refuse('rms_scaling is set: use RMSNormalization');
    return {
      centre: true,
      epsilon: config.number('epsilon', 1e-3),
      gamma: config.boolean('scale', true) ? values('gamma') : one(1),
      beta: config.boolean('center', true) ? values('beta') : one(0),
    };
  });

/** Lowers a norm of channel groups over time and features, by ONNX's operator, which is channels-first. */
export function lowerGroupNormalization(ctx: Context, layer: Layer, [x]: Value[]): AnyValue {
  const config = new Config(layer);
  const value = x as Value;
  const rank = value.layout.length;
  if (((config.number('axis', -1) % rank) + rank) % rank !== rank - 1) refuse('it normalises another axis than the last');
  const { c } = ctx.shape(value);
  const groups = config.number('groups', 32);
  const of = (name: string, key: string, otherwise: number) =>
    constantOf(config.boolean(key, true) ? ctx.weight(layer, [name], [c]) : new Float32Array(c).fill(otherwise), [c], 'float32');
  const front = [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];
  const back = [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
  const turned = ctx.onnx('Transpose', [value], { perm: front }, `${layer.name}/front`);
  const attributes = { num_groups: groups === -1 ? c : groups, epsilon: { float: config.number('epsilon', 1e-3) } };
  const made = ctx.onnx('GroupNormalization', [turned, of('gamma', 'scale', 1), of('beta', 'center', 0)], attributes, layer.name);
  return ctx.onnx('Transpose', [made], { perm: back }, `${layer.name}/back`);
}

export const lowerRmsNormalization = (ctx: Context, layer: Layer, [x]: Value[]): Value =>
  normalised(ctx, layer, x as Value, (config, values) => ({
    centre: false,
    epsilon: config.number('epsilon', 1e-6),
    gamma: values('scale'),
    beta: one(0),
  }));

/** Lowers x / |x|: x over the root of its mean square, times 1 / sqrt(elements). */
export const lowerUnitNormalization = (ctx: Context, layer: Layer, [x]: Value[]): Value =>
  normalised(ctx, layer, x as Value, (_config, _values, count) => ({
    centre: false,
    epsilon: 1e-24 / count,
    gamma: one(1 / Math.sqrt(count)),
    beta: one(0),
  }));

/** Returns the axes of a config, counted from the front; none if they are null. */
function axesOf(config: Config, given: unknown, rank: number): number[] {
  const axes = Array.isArray(given) ? config.integers('axis') : given === null ? [] : [config.number('axis', -1)];
  const front = axes.map((d) => (d < 0 ? d + rank : d));
  return front.every((d) => d > 0 && d < rank) ? front : refuse(`axes ${axes.join(', ')} of ${rank} dimensions`);
}

/** Returns the numbers of a config: one, a list, nested lists, or Keras' form of an array. */
function numbersIn(x: unknown, depth = 0): number[] {
  if (typeof x === 'number') return [x];
  if (Array.isArray(x) && depth < 4) return x.flatMap((y) => numbersIn(y, depth + 1));
  const { value } = isObject(x) && isObject(x.config) ? x.config : {};
  return value === undefined || depth > 0 ? refuse('its mean or variance is no list of numbers') : numbersIn(value, 1);
}

/** Adds x * scales + offsets. `dims` has the value's dimensions, and 1 for those without variation. */
function scaled(
  ctx: Context,
  layer: Layer,
  x: Value,
  dims: readonly number[],
  scales: Float64Array,
  offsets: Float64Array,
): Value {
  if (![scales, offsets].every((values) => values.every((v) => Number.isFinite(Math.fround(v)))))
    refuse('its mean and variance give no finite scale');
  ctx.plain(x);
  const made = scaledBy(ctx, x, { dims, data: scales }, { dims, data: offsets }, layer.name);
  return typeof made === 'string' ? refuse(made) : ctx.activationOf(made, x.layout);
}

export function lowerBatchNormalization(ctx: Context, layer: Layer, [x]: Value[]): Value {
  const config = new Config(layer);
  const value = x as Value;
  const dims = ctx.dims(value);
  const kept = axesOf(config, layer.config.axis ?? -1, dims.length);
  const constantDims = dims.map((n, d) => (kept.includes(d) ? n : 1));
  // for several axes Keras 2 stores all dimensions
  const stored = kept.length === 1 ? kept.map((d) => dims[d] as number) : constantDims;
  const count = constantDims.reduce((a, b) => a * b, 1);
  const [mean, variance] = ['moving_mean', 'moving_variance'].map((name) => ctx.weight(layer, [name], stored)) as [Float32Array, Float32Array]; // biome-ignore format: one line
  const gamma = config.boolean('scale', true) ? ctx.weight(layer, ['gamma'], stored) : new Float32Array(count).fill(1);
  const beta = config.boolean('center', true) ? ctx.weight(layer, ['beta'], stored) : new Float32Array(count);
  const epsilon = config.number('epsilon', 1e-3);
  const scales = Float64Array.from(gamma, (g, i) => g / Math.sqrt((variance[i] as number) + epsilon));
  const offsets = Float64Array.from(beta, (b, i) => b - (mean[i] as number) * (scales[i] as number));
  return scaled(ctx, layer, value, constantDims, scales, offsets);
}

export function lowerNormalization(ctx: Context, layer: Layer, [x]: Value[]): Value {
  const value = x as Value;
  const config = new Config(layer);
  const dims = ctx.dims(value);
  const kept = axesOf(config, layer.config.axis, dims.length);
  const constantDims = dims.map((n, d) => (kept.includes(d) ? n : 1));
  const count = constantDims.reduce((a, b) => a * b, 1);
  const values = (name: string): ArrayLike<number> => {
    if (!config.has(name))
      return ctx.weight(
        layer,
        [name],
        kept.map((d) => dims[d] as number),
      );
    const given = numbersIn(layer.config[name]);
    if (given.length !== 1 && given.length !== count) refuse(`its ${name} has ${given.length} values, not ${count}`);
    return given.length === count ? given : new Array<number>(count).fill(given[0] as number);
  };
  const [mean, variance] = [values('mean'), values('variance')];
  const deviations = Float64Array.from(variance, (v) => Math.max(Math.sqrt(v), 1e-7));
  const invert = config.boolean('invert', false);
  const scales = invert ? deviations : deviations.map((d) => 1 / d);
  const offsets = scales.map((s, i) => (invert ? 1 : -s) * (mean[i] as number));
  return scaled(ctx, layer, value, constantDims, scales, offsets);
}
