/**
 * Activations (in a layer's config, or as layers), Rescaling, Add, Subtract, Multiply, Average, Maximum,
 * Minimum, Concatenate, Dot.
 *
 * In: values.  Out: activation nodes, which foldGraph fuses if they are clamps; ONNX operators.
 * Source: tfjs-layers activations.ts and advanced_activations.ts (hard_sigmoid is clip(0.2 x + 0.5), in Keras
 * 3 clip(x / 6 + 0.5)).
 */
import { type ActivationAttrs, noClamp } from '../../../graph/types.ts';
import { lookup } from '../../../lookup.ts';
import { type ActivationFn, unaryNames } from '../../../ops/unary.ts';
import { constantOf } from '../../onnx/constants.ts';
import type { Const } from '../../onnx/tensor.ts';
import type { Value as AnyValue } from '../../onnx/values.ts';
import { Config, snakeOf } from '../config.ts';
import type { Context, Value } from '../context.ts';
import { refuse } from '../fail.ts';
import type { Layer } from '../model.ts';
import { numbersOf } from '../numbers.ts';

function point(ctx: Context, x: Value, attrs: ActivationAttrs, name: string): Value {
  return ctx.put('activation', [x], attrs, name, () => x.layout);
}

/** @param alpha the function's parameter, if given */
type Activate = (ctx: Context, x: Value, name: string, alpha?: number) => AnyValue;

const composed: Readonly<Record<string, Activate>> = {
  '': (_, x) => x,
  linear: (_, x) => x,
  softmax: (ctx, x, name) => ctx.onnx('Softmax', [x], { axis: -1 }, name),
  log_softmax: (ctx, x, name) => ctx.onnx('LogSoftmax', [x], { axis: -1 }, name),
  leaky_relu: (ctx, x, name, alpha = 0.2) => point(ctx, x, { fn: 'leakyrelu', alpha, clamp: noClamp }, name),
  hard_sigmoid: (ctx, x, name) =>
    ctx.onnx('HardSigmoid', [x], { alpha: { float: ctx.keras3 ? 1 / 6 : 0.2 }, beta: { float: 0.5 } }, name),
};

export const activationNames = ['leaky_relu', 'log_softmax', 'hard_sigmoid'];

/** Returns an activation by its name; undefined if the name is unknown. */
export function activationOf(snake: string): Activate | undefined {
  const known = unaryNames.tfjs.get(snake);
  if (known) return (ctx, x, name, alpha) => point(ctx, x, { ...known, ...(alpha !== undefined && { alpha }) }, name);
  return lookup(composed, snake);
}

/** Applies the activation that a config names. */
export function activate(ctx: Context, layer: Layer, x: Value, given: string): AnyValue {
  const found = activationOf(snakeOf(given)) ?? refuse(`its activation ${given} has no operator here`);
  return found(ctx, x, `${layer.name}/${given}`);
}

export const lowerActivation = (ctx: Context, layer: Layer, [x]: Value[]): AnyValue =>
  activate(ctx, layer, x as Value, new Config(layer).activation());

export function lowerRelu(ctx: Context, layer: Layer, [x]: Value[]): Value {
  const config = new Config(layer);
  const [slope, threshold] = [config.number('negative_slope', 0), config.number('threshold', 0)];
  const maxValue = config.has('max_value') ? config.number('max_value', 0) : Number.POSITIVE_INFINITY;
  if (slope !== 0 && threshold !== 0) refuse('a slope and a threshold');
  if (slope !== 0) return point(ctx, x as Value, { fn: 'leakyrelu', alpha: slope, clamp: [noClamp[0], maxValue] }, layer.name);
  if (threshold === 0) return point(ctx, x as Value, { fn: 'identity', clamp: [0, maxValue] }, layer.name);
  return point(ctx, x as Value, { fn: 'thresholdedrelu', alpha: threshold, clamp: [noClamp[0], maxValue] }, layer.name);
}

/**
 * Lowers a layer that is a function with a parameter.
 * @param names config fields of the parameter. @param fallback the library's default
 */
export const lowerUnary =
  (fn: ActivationFn, names: readonly string[], fallback: number) =>
  (ctx: Context, layer: Layer, [x]: Value[]): Value => {
    const config = new Config(layer);
    const alpha = names.reduceRight((value, name) => config.number(name, value), fallback);
    return point(ctx, x as Value, { fn, alpha, clamp: noClamp }, layer.name);
  };

/** Lowers PReLU: a slope for negative inputs per value, or per group of values that share one. */
export function lowerPrelu(ctx: Context, layer: Layer, [x]: Value[]): AnyValue {
  const config = new Config(layer);
  const shared = config.has('shared_axes') ? config.integers('shared_axes') : [];
  const sizes = ctx
    .dims(x as Value)
    .slice(1)
    .map((length, i) => (shared.includes(i + 1) ? 1 : length));
  return ctx.onnx('PRelu', [x as Value, constantOf(ctx.weight(layer, ['alpha'], sizes), sizes, 'float32')], {}, layer.name);
}

export const lowerSoftmax = (ctx: Context, layer: Layer, [x]: Value[]): AnyValue =>
  ctx.onnx('Softmax', [x as Value], { axis: new Config(layer).number('axis', -1) }, layer.name);

export function lowerRescaling(ctx: Context, layer: Layer, [x]: Value[]): AnyValue {
  const of = (key: string, fallback: number): Const => numbersOf(layer.config[key] ?? fallback, key);
  const scaled = ctx.onnx('Mul', [x as Value, of('scale', 1)], {}, `${layer.name}/scale`);
  return ctx.onnx('Add', [scaled, of('offset', 0)], {}, layer.name);
}

/** Combines two or more values, one after the other. */
export const lowerPairs =
  (op: string) =>
  (ctx: Context, layer: Layer, xs: AnyValue[]): AnyValue => {
    if (xs.length < 2 || (op === 'Sub' && xs.length > 2))
      return refuse(op === 'Sub' ? 'it takes two values' : 'it takes two values or more');
    return xs.reduce((a, b, i) => ctx.onnx(op, [a, b], {}, i === xs.length - 1 ? layer.name : `${layer.name}/${i}`));
  };

/** Lowers Average. One value means the function of keras.ops with that name. */
export const lowerAverage = (ctx: Context, layer: Layer, xs: AnyValue[]): AnyValue =>
  xs.length < 2 ? refuse('it takes two values or more') : ctx.onnx('Mean', xs, {}, layer.name);

export function lowerConcatenate(ctx: Context, layer: Layer, xs: AnyValue[]): AnyValue {
  if (xs.length < 2) return refuse('it takes two values or more');
  return ctx.onnx('Concat', xs, { axis: new Config(layer).number('axis', -1) }, layer.name);
}

/** Lowers Dot: sums of products over one dimension of each value. */
export function lowerDot(ctx: Context, layer: Layer, xs: Value[]): AnyValue {
  const config = new Config(layer);
  const axes = Array.isArray(layer.config.axes) ? config.integers('axes') : new Array(2).fill(config.number('axes', -1));
  // keras.ops has another function of that name, without axes
  if (!config.has('axes') || xs.length !== 2 || axes.length !== 2 || config.boolean('normalize', false))
    return refuse('it takes two values, an axis of each, and no norm');
  const labels = xs.map((x, i) => {
    const rank = x.layout.length;
    const at = ((axes[i] as number) + rank) % rank;
    if (!(at > 0 && at < rank)) refuse(`axis ${axes[i]} of ${rank} dimensions`);
    const letters = i === 0 ? 'abcdefg' : 'hijklmn';
    return Array.from({ length: rank }, (_, d) => (d === 0 ? 'z' : d === at ? 'y' : (letters[d] as string)));
  }) as [string[], string[]];
  const rest = labels.flat().filter((label) => label !== 'y' && label !== 'z');
  const equation = `${labels.map((list) => list.join('')).join(',')}->z${rest.join('')}`;
  return ctx.onnx('Einsum', xs, { equation }, layer.name);
}
