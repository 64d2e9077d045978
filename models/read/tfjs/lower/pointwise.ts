/**
 * Activations (in a layer's config, or layers of their own), Rescaling, Add, Subtract, Multiply, Average,
 * Maximum, Minimum, Concatenate.
 *
 * In: values of one layout.  Out: activation nodes, which foldGraph fuses where they are clamps; add, mul, concat. Source: tfjs-layers
 * activations.ts and advanced_activations.ts (hard_sigmoid is clip(0.2 x + 0.5), in Keras 3 clip(x / 6 + 0.5)).
 */
import { type ActivationAttrs, type Axis, noClamp } from '../../../graph/types.ts';
import { type ActivationFn, unaryNames } from '../../../ops/unary.ts';
import { commonOf, repeated } from '../../broadcast.ts';
import { dim, type Layout, showLayout } from '../../layout.ts';
import { framesOf, softmaxOverTime } from '../../refused.ts';
import { extremeOf, logOfSoftmax, slopesOf } from '../../spelled.ts';
import { spread, valuesOf } from '../../spread.ts';
import { Config, type Context, type Value } from '../context.ts';
import { refuse } from '../fail.ts';
import type { Layer } from '../topology.ts';

function point(ctx: Context, x: Value, attrs: ActivationAttrs, name: string): Value {
  return ctx.emit('activation', [x], attrs, name, () => x.layout);
}

function softmax(ctx: Context, x: Value, axis: number, name: string): Value {
  const rank = x.layout.length;
  const at = axis < 0 ? axis + rank : axis;
  const axes = (x.layout[at] ?? []).map((f) => f.axis);
  if (axes.includes('t')) refuse(softmaxOverTime(framesOf(x.layout)));
  if (axes.includes('f') || (axes.length === 0 && at !== rank - 1))
    refuse(`a softmax over dimension ${axis} of ${showLayout(x.layout)}; only channels are supported`);
  return ctx.emit('softmax', [x], { beta: 1 }, name, () => x.layout);
}

/** Applies an activation by its name in a config. */
export function activate(ctx: Context, layer: Layer, x: Value, given: string): Value {
  const name = `${layer.name}/${given}`;
  const snake = given.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
  const known = unaryNames.tfjs.get(snake);
  if (known) return point(ctx, x, { ...known }, name);
  switch (snake) {
    case '':
    case 'linear':
      return x;
    case 'softmax':
      return softmax(ctx, x, -1, name);
    case 'log_softmax':
      return point(ctx, softmax(ctx, x, -1, `${name}/softmax`), { ...logOfSoftmax }, name);
    case 'leaky_relu':
      return point(ctx, x, { fn: 'leakyrelu', alpha: 0.2, clamp: noClamp }, name);
    case 'hard_sigmoid': {
      const { c } = ctx.shape(x);
      const slope = new Float32Array(c).fill(ctx.keras3 ? 1 / 6 : 0.2);
      return ctx.scaleAndOffset(x, slope, new Float32Array(c).fill(0.5), name, [0, 1]);
    }
  }
  return refuse(`its activation ${given} has no operator here`);
}

export const lowerActivation = (ctx: Context, layer: Layer, [x]: Value[]): Value =>
  activate(ctx, layer, x as Value, new Config(layer).activation());

export function lowerRelu(ctx: Context, layer: Layer, [x]: Value[]): Value {
  const config = new Config(layer);
  const [slope, threshold] = [config.number('negative_slope', 0), config.number('threshold', 0)];
  const most = config.has('max_value') ? config.number('max_value', 0) : Number.POSITIVE_INFINITY;
  if (slope !== 0 && threshold !== 0) refuse('a slope and a threshold');
  if (slope !== 0) return point(ctx, x as Value, { fn: 'leakyrelu', alpha: slope, clamp: [noClamp[0], most] }, layer.name);
  if (threshold === 0) return point(ctx, x as Value, { fn: 'identity', clamp: [0, most] }, layer.name);
  return point(ctx, x as Value, { fn: 'thresholdedrelu', alpha: threshold, clamp: [noClamp[0], most] }, layer.name);
}

/**
 * A layer that is a function with a parameter, which has these names; the library's default where the config
 * has none.
 */
export const lowerUnary =
  (fn: ActivationFn, names: readonly string[], fallback: number) =>
  (ctx: Context, layer: Layer, [x]: Value[]): Value => {
    const config = new Config(layer);
    const alpha = names.reduceRight((value, name) => config.number(name, value), fallback);
    return point(ctx, x as Value, { fn, alpha, clamp: noClamp }, layer.name);
  };

/** A slope below zero for each value, or for those that share one. */
export function lowerPrelu(ctx: Context, layer: Layer, [x]: Value[]): Value {
  const value = x as Value;
  const dims = ctx.dims(value).slice(1);
  const config = new Config(layer);
  const shared = config.has('shared_axes') ? config.integers('shared_axes') : [];
  const own = dims.map((length, i) => (shared.includes(i + 1) ? 1 : length));
  const laid = spread(value.layout, own) ?? refuse(`slopes of [${own.join(', ')}] for ${showLayout(value.layout)}`);
  const from = { tensor: ctx.plain(value), c: ctx.shape(value).c };
  return { tensor: slopesOf(ctx.add, from, laid, ctx.weight(layer, ['alpha'], own), layer.name), layout: value.layout };
}

export const lowerSoftmax = (ctx: Context, layer: Layer, [x]: Value[]): Value =>
  softmax(ctx, x as Value, new Config(layer).number('axis', -1), layer.name);

export function lowerRescaling(ctx: Context, layer: Layer, [x]: Value[]): Value {
  const config = new Config(layer);
  const { c } = ctx.shape(x as Value);
  const [scale, offset] = ['scale', 'offset'].map((key, i) => {
    const given = layer.config[key];
    if (!Array.isArray(given)) return new Float32Array(c).fill(config.number(key, 1 - i));
    const isOfChannels = given.length === c && (x as Value).layout.at(-1)?.every((f) => f.axis === 'c');
    return isOfChannels && given.every(Number.isFinite) ? Float32Array.from(given) : refuse(`its ${key} is no value a channel`);
  }) as [Float32Array, Float32Array];
  return ctx.scaleAndOffset(x as Value, scale, offset, layer.name);
}

/** Two or more values, one after the other. @param join the node of two tensors of one shape */
const lowerPairs =
  (join: (ctx: Context, pair: [number, number], name: string) => number) =>
  (ctx: Context, layer: Layer, xs: Value[]): Value => {
    if (xs.length < 2) refuse('it takes two values or more');
    return xs.reduce((a, b, i) => {
      const common = commonOf(a.layout, b.layout);
      if (!common) return refuse(`its inputs differ: ${showLayout(a.layout)} and ${showLayout(b.layout)}`);
      const name = i === xs.length - 1 ? layer.name : `${layer.name}/${i}`;
      const whole = [a, b].map((x, k) => {
        const repeat = common.repeats[k];
        const tensor = ctx.plain(x);
        return repeat ? repeated(tensor, repeat, (op, y, attrs) => ctx.add(op, [y], attrs, `${name}/repeated`)) : tensor;
      }) as [number, number];
      return { tensor: join(ctx, whole, name), layout: common.layout };
    });
  };

/** Numbers in lists of lists as one list, and its dimensions. */
function numbersIn(x: unknown): { dims: number[]; data: number[] } {
  if (typeof x === 'number' && Number.isFinite(x)) return { dims: [], data: [x] };
  if (!Array.isArray(x) || x.length === 0) return refuse('its second argument is neither a value nor a constant');
  const parts = x.map(numbersIn);
  const dims = parts[0]?.dims ?? [];
  if (parts.some((part) => part.dims.join() !== dims.join())) refuse('its constant has rows of different lengths');
  return { dims: [x.length, ...dims], data: parts.flatMap((part) => part.data) };
}

/** A value and the constant of its config. */
function withOperand(ctx: Context, layer: Layer, x: Value, op: 'add' | 'mul', sign: number): Value {
  const { dims, data } = numbersIn(layer.config.operand);
  const laid = spread(x.layout, dims);
  if (!laid) return refuse(`its constant of [${dims.join(', ')}] does not fit ${showLayout(x.layout)}`);
  const values = valuesOf(laid, data, laid.over === 'c' ? ctx.shape(x).c : undefined);
  const constant = { data: Float32Array.from(values, (v) => sign * v) };
  return { tensor: ctx.add(op, [ctx.plain(x)], { clamp: noClamp, constant }, layer.name), layout: x.layout };
}

/** @param minus operand that is subtracted */
export const lowerBinary =
  (op: 'add' | 'mul', minus?: 1) =>
  (ctx: Context, layer: Layer, xs: Value[]): Value => {
    const [x] = xs;
    if (x && xs.length === 1 && layer.config.operand !== undefined) return withOperand(ctx, layer, x, op, minus ? -1 : 1);
    return lowerPairs((of, pair, name) => of.add(op, pair, { clamp: noClamp, ...(minus && { minus }) }, name))(ctx, layer, xs);
  };

export const lowerExtreme = (isMax: boolean) => lowerPairs((ctx, pair, name) => extremeOf(ctx.add, pair, isMax, name));

export function lowerAverage(ctx: Context, layer: Layer, xs: Value[]): Value {
  const sum = lowerBinary('add')(ctx, { ...layer, name: `${layer.name}/sum` }, xs);
  const { c } = ctx.shape(sum);
  return ctx.scaleAndOffset(sum, new Float32Array(c).fill(1 / xs.length), new Float32Array(c), layer.name);
}

/** The first value less the second. */
export function lowerSubtract(ctx: Context, layer: Layer, xs: Value[]): Value {
  if (xs.length !== 2 && layer.config.operand === undefined) refuse('it takes two values');
  return lowerBinary('add', 1)(ctx, layer, xs);
}

export function lowerConcatenate(ctx: Context, layer: Layer, xs: Value[]): Value {
  const [first] = xs;
  if (!first || xs.length < 2) return refuse('it takes two values or more');
  const rank = first.layout.length;
  const given = new Config(layer).number('axis', -1);
  const at = given < 0 ? given + rank : given;
  const rest = (layout: Layout) => JSON.stringify(layout.map((d, i) => (i === at ? [] : d)));
  const axes = new Set(xs.flatMap((x) => (x.layout[at] ?? []).map((f) => f.axis)));
  if (!(at > 0 && at < rank) || xs.some((x) => x.layout.length !== rank || rest(x.layout) !== rest(first.layout)))
    refuse(`the axes of its inputs differ: ${xs.map((x) => showLayout(x.layout)).join(', ')}`);
  const [axis = at === rank - 1 ? 'c' : 'f'] = axes;
  if (axes.size > 1 || xs.some((x) => (x.layout[at] ?? []).length > 1)) refuse(`dimension ${at} mixes axes`);
  if (axis === 't') return refuse('it joins frames (time); only channels or features can be joined');
  const joined: Axis = axis;
  return ctx.emit('concat', xs, { axis }, layer.name, (out) =>
    first.layout.map((d, i) => (i === at ? dim(joined, out[joined]) : d)),
  );
}
