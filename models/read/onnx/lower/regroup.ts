/**
 * Gives an activation the axes that an operator needs, by `regroup`, `permute` or a convolution before it.
 *
 * In: an activation, and what the operator does to its layout.  Out: the activation in the new layout.
 */
import { isRunletError } from '../../../error.ts';
import { kernelOfOne, noClamp, type PermuteAttrs } from '../../../graph/types.ts';
import { commonOf } from '../../broadcast.ts';
import {
  dim,
  fileShapeOf,
  type Layout,
  orderOf,
  type Regrouped,
  regroupedLayout,
  showLayout,
  wholeOrderOf,
} from '../../layout.ts';
import { isWindow, mixedRows } from '../../over-time.ts';
import { asChannels, asLine, asRows, asSteps, type Laid, withSameRows } from '../../rows.ts';
import type { Lowering, NodeView } from '../context.ts';
import { refuse, Unsupported } from '../refuse.ts';
import { type Activation, axisOfDim, type Value, wholeAxis } from '../values.ts';

/** Gives `y` the scale of an integer `x`: between Q and DQ, an operator that moves values keeps the scale. */
export function withQuant(ctx: Lowering, x: Activation, y: Activation): Activation {
  if (!x.integer) return y;
  const tensor = ctx.builder.tensors[y.tensor];
  const quant = ctx.quantOf(x.tensor);
  if (tensor && quant) tensor.quant = quant;
  return { ...y, integer: x.integer };
}

/** Regroups the features and channels of each frame. */
function regrouped(ctx: Lowering, node: NodeView, given: Activation, { f, layout }: Regrouped): Activation {
  const x = ctx.activation({ ...node, inputs: [given] }, 0, { integer: true, raw: true });
  const tensor = ctx.emit('regroup', [x.tensor], { f }, `${node.name}/regrouped`);
  const [quant, made] = [ctx.quantOf(x.tensor), ctx.builder.tensors[tensor]];
  if (quant && made) made.quant = quant;
  return { ...x, tensor, layout };
}

/** Puts the elements of the window into another order. */
function permuted(ctx: Lowering, node: NodeView, given: Activation, attrs: PermuteAttrs, layout: Layout): Activation {
  const x = ctx.activation({ ...node, inputs: [given] }, 0, { integer: true, raw: true });
  return withQuant(ctx, x, ctx.activationOf(ctx.emit('permute', [x.tensor], attrs, `${node.name}/permuted`), layout));
}

/** Refuses in a graph with states: there, rows are those of one step, and other rows come before them. */
const refuseSteps = (ctx: Lowering): void => {
  if (ctx.states.any) refuse('it changes the order of rows in a model with states');
};

/** Reverses dimensions `ats` of the file. */
export function backwards(ctx: Lowering, node: NodeView, x: Activation, ats: readonly number[]): Activation {
  const back = ats.map((at) => {
    const axis = axisOfDim(x.layout, at);
    wholeAxis(x.layout, at, axis);
    return axis;
  });
  const { t, f } = ctx.builder.shape(x.tensor);
  return permuted(ctx, node, x, { order: ['t', 'f', 'c'], t, f, back }, x.layout);
}

/** Turns the whole window into channels if one dimension of the file holds it; otherwise unchanged. */
export function flattened(ctx: Lowering, node: NodeView, x: Activation): Activation {
  const held = x.layout.filter((factors) => factors.length > 0);
  if (held.length !== 1) return x;
  const layout = x.layout.map((factors) => dim('c', elementsIn(factors)));
  refuseSteps(ctx);
  return permuted(ctx, node, x, { order: wholeOrderOf(x.layout), t: 1, f: 1 }, layout);
}

const elementsIn = (factors: Layout[number]): number => factors.reduce((n, { length }) => n * length, 1);

/** Turns dimension `at` of the file into rows (models/read/rows.ts); undefined if it cannot. */
export function withRows(ctx: Lowering, node: NodeView, x: Activation, at: number): Activation | undefined {
  const rows = ctx.builder.shape(x.tensor).t > 1 || x.layout[at]?.length === 0 ? undefined : asRows(x, at);
  if (rows) refuseSteps(ctx);
  return rows && permuted(ctx, node, x, rows.attrs, rows.layout);
}

/** Turns the steps of a recurrence, dimension `at` of the file, into rows (models/read/rows.ts). */
export function withSteps(ctx: Lowering, node: NodeView, x: Activation, at: number): Activation {
  const steps = asSteps(ctx, x, at, node.name);
  if (steps.tensor !== x.tensor) refuseSteps(ctx);
  return { ...x, ...steps };
}

/**
 * Replaces the places of dimension `at`, frames of the window or all channels, by `out` weighted sums.
 * @param weightsOf returns the weights [out][places]
 */
export function mixed(
  ctx: Lowering,
  x: Activation,
  at: number,
  out: number,
  weightsOf: (places: number) => Float32Array,
  name: string,
): Activation {
  const shape = ctx.builder.shape(x.tensor);
  const places = fileShapeOf(x.layout)[at] as number;
  if (ctx.quantised) refuse('it mixes places, in a quantised graph');
  ctx.budget.spend(out * places, name);
  const weights = weightsOf(places);
  if (isWindow(x.layout[at] ?? [], shape)) {
    refuseSteps(ctx);
    return ctx.made(mixedRows(ctx, x, weights, out, name));
  }
  const [part, more] = x.layout[at] ?? [];
  if (more || (part && (part.axis !== 'c' || part.length !== shape.c)) || (!part && shape.c > 1))
    return refuse(`it mixes places of dimension ${at} of ${showLayout(x.layout)}`);
  const attrs = { ...kernelOfOne, groups: 1, outChannels: out, weights: { data: weights }, bias: null, clamp: noClamp };
  return ctx.activationOf(ctx.emit('conv', [x.tensor], attrs, name), x.layout.with(at, dim('c', out)));
}

/** Turns channels in a spatial dimension into features, if the channel dimension has length 1. */
export function withFeatures(ctx: Lowering, node: NodeView, x: Activation): Activation {
  const [, channels, ...spatial] = x.layout;
  const at = spatial.findIndex((factors) => factors.length === 1 && factors[0]?.axis === 'c') + 2;
  const { f, c } = ctx.builder.shape(x.tensor);
  if (channels?.length !== 0 || at < 2 || f > 1 || x.layout[at]?.[0]?.length !== c) return x;
  return regrouped(ctx, node, x, { f: c, layout: x.layout.with(at, dim('f', c)) });
}

/** Turns the features and channels of each frame into channels only, if the features come first. */
export function withChannels(ctx: Lowering, node: NodeView, x: Activation): Activation {
  const other = regroupedLayout(x.layout);
  return other?.f === 1 ? regrouped(ctx, node, x, other) : x;
}

/** Turns two operands whose elements all lie in one dimension of the file into vectors of channels. */
function asVectors(ctx: Lowering, node: NodeView, operands: [Activation, Activation]): [Activation, Activation] | undefined {
  const [first, second] = operands.map(({ layout }) => fileShapeOf(layout)) as [number[], number[]];
  if (first.join() !== second.join() || first.filter((n) => n > 1).length !== 1) return undefined;
  return operands.map((x, i) => {
    const isVector = x.layout.flat().every(({ axis }) => axis === 'c');
    return isVector ? x : flattened(ctx, { ...node, name: `${node.name}/${i}` }, x);
  }) as [Activation, Activation];
}

/** Turns the channels of one operand into features if the other operand has features in their place. */
function asFeatures(ctx: Lowering, node: NodeView, operands: [Activation, Activation]): [Activation, Activation] | undefined {
  for (const [i, x] of operands.entries()) {
    const { f, c } = ctx.builder.shape(x.tensor);
    const layout = x.layout.map((factors) => factors.map((one) => (one.axis === 'c' ? { ...one, axis: 'f' as const } : one)));
    if (f > 1 || c === 1 || !commonOf(layout, operands[1 - i]?.layout ?? [])) continue;
    return operands.with(i, regrouped(ctx, { ...node, name: `${node.name}/${i}` }, x, { f: c, layout })) as [
      Activation,
      Activation,
    ];
  }
  return undefined;
}

/** Brings two operands to the same axes, if a form exists in which they agree. */
export function withSameAxes(ctx: Lowering, node: NodeView, ...operands: [Activation, Activation]): [Activation, Activation] {
  const flat = operands.map(({ layout }) => {
    const other = regroupedLayout(layout);
    return other?.f === 1 ? other : undefined;
  });
  const [a, b] = operands.map(({ layout }, i) => flat[i]?.layout ?? layout) as [Layout, Layout];
  if (commonOf(operands[0].layout, operands[1].layout)) return operands;
  const vectors = ctx.quantised || ctx.states.any ? undefined : asVectors(ctx, node, operands);
  const features = vectors ?? (ctx.quantised ? undefined : asFeatures(ctx, node, operands));
  if (features) return features;
  if (!commonOf(a, b) && !ctx.states.any) {
    const [p, q] = withSameRows(ctx, operands, node.name);
    const own = (x: Activation, made: Laid) => (made === x ? x : withQuant(ctx, x, ctx.made(made)));
    return [own(operands[0], p), own(operands[1], q)];
  }
  const made = operands.map((x, i) => {
    const other = flat[i];
    return other ? regrouped(ctx, { ...node, name: `${node.name}/${i}` }, x, other) : x;
  });
  return made as [Activation, Activation];
}

/**
 * Applies `move` to the layout of an activation. If that fails, regroups the frames and applies it again.
 * @throws RunletError of `move`
 */
export function relaid(ctx: Lowering, node: NodeView, x: Activation, move: (layout: Layout) => Layout): Activation {
  try {
    return { ...x, layout: move(x.layout) };
  } catch (error) {
    const other = regroupedLayout(x.layout);
    if (!other || !isRunletError(error)) throw error;
    const layout = move(other.layout);
    return { ...regrouped(ctx, node, x, other), layout };
  }
}

/** Returns another form of an activation, or the activation itself if it has none. */
type Form = (ctx: Lowering, x: Activation, name: string) => Activation;

/** Turns one dimension of frames and features, or one of the two dimensions of a vector, into rows. */
const lined =
  (last: boolean): Form =>
  (ctx, x, name) => {
    const made = asLine(ctx, x, name, last);
    return made === x ? x : withQuant(ctx, x, { ...x, ...made });
  };

/** Turns features into channels in the order of the file, for example after a channel shuffle. */
const shuffled: Form = (ctx, x, name) => inChannels(ctx, x, name);

/** Turns frames into channels in the order of `to`, which has the same factors (models/read/rows.ts). */
export function inChannels(ctx: Lowering, x: Activation, name: string, to?: Layout): Activation {
  const made = ctx.quantised || x.pads ? x : asChannels(ctx, x, name, to);
  const { f, c } = ctx.builder.shape(x.tensor);
  if (made !== x) ctx.budget.spend((f * c) ** 2, name);
  return made === x ? x : { ...x, ...made };
}

const isOrdered = (layout: Layout): boolean => {
  try {
    return orderOf(layout).length >= 0;
  } catch {
    return false;
  }
};

/** Returns a form whose axes have one order in the file, as outputs need; unchanged if there is none. */
export function withOrder(ctx: Lowering, x: Activation, name: string): Activation {
  if (isOrdered(x.layout) || ctx.quantised) return x;
  const other = regroupedLayout(x.layout);
  if (!other || !isOrdered(other.layout)) return shuffled(ctx, x, name);
  return { ...x, tensor: ctx.emit('regroup', [x.tensor], { f: other.f }, `${name}/regrouped`), layout: other.layout };
}

/**
 * Splits frames with several parts of one axis: the outer part becomes features, the others channels. Files
 * fold several signals into their channels like this.
 */
const splitAxis: Form = (ctx, x, name) => {
  const axis = ctx.builder.shape(x.tensor).c === 1 ? 'f' : 'c';
  const channels = x.layout.map((factors) => factors.map((one) => (one.axis === axis ? { ...one, axis: 'c' as const } : one)));
  const made = ctx.quantised ? undefined : regroupedLayout(channels);
  if (!made || made.f === 1) return x;
  return { ...x, tensor: ctx.emit('regroup', [x.tensor], { f: made.f }, `${name}/apart`), layout: made.layout };
};

/** Turns frames in an operator's channel dimension into channels, and the other dimension into features. */
const sideways: Form = (ctx, x, name) => {
  const isChannels = x.layout.length > 2 && isWindow(x.layout[1] ?? [], ctx.builder.shape(x.tensor));
  const turned = !ctx.quantised && isChannels ? asRows(x, 1, { rows: 'c', others: 'f' }) : undefined;
  if (!turned) return x;
  return ctx.activationOf(ctx.emit('permute', [x.tensor], turned.attrs, `${name}/sideways`), turned.layout);
};

/**
 * Calls `lower` with the inputs. If it refuses them, calls it with other forms of them.
 * @throws Unsupported if it refuses all forms
 */
export function inSomeForm<V extends Value | undefined, T>(
  ctx: Lowering,
  name: string,
  inputs: V[],
  lower: (inputs: V[]) => T,
): T {
  const { nodes, tensors } = ctx.builder;
  const before = [nodes.length, tensors.length] as const;
  try {
    return lower(inputs);
  } catch (error) {
    const isRefusal = (one: unknown) => one instanceof Unsupported || (isRunletError(one) && one.code.startsWith('RN12'));
    if (!isRefusal(error)) throw error;
    for (const form of ctx.states.any ? [shuffled] : [lined(false), lined(true), shuffled, splitAxis, sideways]) {
      [nodes.length, tensors.length] = before;
      const own = inputs.map((x, i) => (x?.kind === 'activation' && !x.pads ? (form(ctx, x, `${name}/${i}`) as V) : x));
      if (own.every((x, i) => x === inputs[i])) continue;
      try {
        return lower(own);
      } catch (other) {
        if (!isRefusal(other)) throw other;
      }
    }
    throw error;
  }
}
