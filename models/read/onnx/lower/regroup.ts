/**
 * Frames whose features and channels a file counts otherwise: a `regroup` before what needs them so.
 *
 * In: an activation, and what a file's operator does to its layout.  Out: the activation under the new
 * layout.
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

/** Directly on integers (between Q and DQ) what moves values keeps its input's scale. */
export function withQuant(ctx: Lowering, x: Activation, y: Activation): Activation {
  if (!x.integer) return y;
  const tensor = ctx.builder.tensors[y.tensor];
  const quant = ctx.quantOf(x.tensor);
  if (tensor && quant) tensor.quant = quant;
  return { ...y, integer: x.integer };
}

/** The activation with its frames regrouped. */
export function regrouped(ctx: Lowering, node: NodeView, given: Activation, { f, layout }: Regrouped): Activation {
  const x = ctx.activation({ ...node, inputs: [given] }, 0, { integer: true, raw: true });
  const tensor = ctx.emit('regroup', [x.tensor], { f }, `${node.name}/regrouped`);
  const [quant, made] = [ctx.quantOf(x.tensor), ctx.builder.tensors[tensor]];
  if (quant && made) made.quant = quant;
  return { ...x, tensor, layout };
}

/** The activation with the elements of its window in another order. */
function permuted(ctx: Lowering, node: NodeView, given: Activation, attrs: PermuteAttrs, layout: Layout): Activation {
  const x = ctx.activation({ ...node, inputs: [given] }, 0, { integer: true, raw: true });
  return withQuant(ctx, x, ctx.activationOf(ctx.emit('permute', [x.tensor], attrs, `${node.name}/permuted`), layout));
}

/** The rows of a window must not be those of a step, which follow others. */
const ofWindow = (ctx: Lowering): void => {
  if (ctx.states.any) refuse('it puts the rows of a step in another order');
};

/** With dimensions `ats` of the file read from their end. */
export function backwards(ctx: Lowering, node: NodeView, x: Activation, ats: readonly number[]): Activation {
  const back = ats.map((at) => {
    const axis = axisOfDim(x.layout, at);
    wholeAxis(x.layout, at, axis);
    return axis;
  });
  const { t, f } = ctx.builder.shape(x.tensor);
  return permuted(ctx, node, x, { order: ['t', 'f', 'c'], t, f, back }, x.layout);
}

/** With the whole window as channels, where one dimension of the file holds it. */
export function flattened(ctx: Lowering, node: NodeView, x: Activation): Activation {
  const held = x.layout.filter((factors) => factors.length > 0);
  if (held.length !== 1) return x;
  const layout = x.layout.map((factors) => dim('c', elementsIn(factors)));
  ofWindow(ctx);
  return permuted(ctx, node, x, { order: wholeOrderOf(x.layout), t: 1, f: 1 }, layout);
}

const elementsIn = (factors: Layout[number]): number => factors.reduce((n, { length }) => n * length, 1);

/** With what stands in dimension `at` of the file as rows (models/read/rows.ts). */
export function withRows(ctx: Lowering, node: NodeView, x: Activation, at: number): Activation | undefined {
  const rows = ctx.builder.shape(x.tensor).t > 1 || x.layout[at]?.length === 0 ? undefined : asRows(x, at);
  if (rows) ofWindow(ctx);
  return rows && permuted(ctx, node, x, rows.attrs, rows.layout);
}

/** With the steps of a recurrence, dimension `at` of the file, as rows (models/read/rows.ts). */
export function withSteps(ctx: Lowering, node: NodeView, x: Activation, at: number): Activation {
  const steps = asSteps(ctx, x, at, node.name);
  if (steps.tensor !== x.tensor) ofWindow(ctx);
  return { ...x, ...steps };
}

/**
 * With sums of all places of dimension `at` in their place: frames of the window, or all channels.
 * @param weightsOf gives [out][places]
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
    ofWindow(ctx);
    return ctx.made(mixedRows(ctx, x, weights, out, name));
  }
  const [part, more] = x.layout[at] ?? [];
  if (more || (part && (part.axis !== 'c' || part.length !== shape.c)) || (!part && shape.c > 1))
    return refuse(`it mixes places of dimension ${at} of ${showLayout(x.layout)}`);
  const attrs = { ...kernelOfOne, groups: 1, outChannels: out, weights: { data: weights }, bias: null, clamp: noClamp };
  return ctx.activationOf(ctx.emit('conv', [x.tensor], attrs, name), x.layout.with(at, dim('c', out)));
}

/** With its channels as features, where they stand in a spatial dimension, and one channel beside them. */
export function withFeatures(ctx: Lowering, node: NodeView, x: Activation): Activation {
  const [, channels, ...spatial] = x.layout;
  const at = spatial.findIndex((factors) => factors.length === 1 && factors[0]?.axis === 'c') + 2;
  const { f, c } = ctx.builder.shape(x.tensor);
  if (channels?.length !== 0 || at < 2 || f > 1 || x.layout[at]?.[0]?.length !== c) return x;
  return regrouped(ctx, node, x, { f: c, layout: x.layout.with(at, dim('f', c)) });
}

/** With its frames as channels alone, where their features come first. */
export function withChannels(ctx: Lowering, node: NodeView, x: Activation): Activation {
  const other = regroupedLayout(x.layout);
  return other?.f === 1 ? regrouped(ctx, node, x, other) : x;
}

/** Two operands that hold all elements in one dimension of the file, as frames or otherwise: as vectors. */
function asVectors(ctx: Lowering, node: NodeView, operands: [Activation, Activation]): [Activation, Activation] | undefined {
  const [first, second] = operands.map(({ layout }) => fileShapeOf(layout)) as [number[], number[]];
  if (first.join() !== second.join() || first.filter((n) => n > 1).length !== 1) return undefined;
  return operands.map((x, i) => {
    const isVector = x.layout.flat().every(({ axis }) => axis === 'c');
    return isVector ? x : flattened(ctx, { ...node, name: `${node.name}/${i}` }, x);
  }) as [Activation, Activation];
}

/** Channels that meet features in the file, as features. */
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

/** Two operands; where their axes differ and agree once their frames are channels alone, they are. */
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
 * Under the layout that `move` gives, which may cut a frame otherwise than it lies.
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

/** Another form of an activation; itself where it has none. */
type Form = (ctx: Lowering, x: Activation, name: string) => Activation;

/** The places of frames and features in one dimension as rows, or one of two dimensions of a vector. */
const lined =
  (last: boolean): Form =>
  (ctx, x, name) => {
    const made = asLine(ctx, x, name, last);
    return made === x ? x : withQuant(ctx, x, { ...x, ...made });
  };

/** Frames of features as channels in the order of the file, as a shuffle of channels has them. */
const shuffled: Form = (ctx, x, name) => inChannels(ctx, x, name);

/** Frames as channels in the order of `to`, the same factors in other places (models/read/rows.ts). */
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

/** With axes that have one order in the file, as an output has; as it is where no form has one. */
export function withOrder(ctx: Lowering, x: Activation, name: string): Activation {
  if (isOrdered(x.layout) || ctx.quantised) return x;
  const other = regroupedLayout(x.layout);
  if (!other || !isOrdered(other.layout)) return shuffled(ctx, x, name);
  return { ...x, tensor: ctx.emit('regroup', [x.tensor], { f: other.f }, `${name}/regrouped`), layout: other.layout };
}

/**
 * Frames in two parts of one axis, the outer one as features and the others as channels: signals side by side
 * that a file folds into its channels.
 */
const apart: Form = (ctx, x, name) => {
  const axis = ctx.builder.shape(x.tensor).c === 1 ? 'f' : 'c';
  const channels = x.layout.map((factors) => factors.map((one) => (one.axis === axis ? { ...one, axis: 'c' as const } : one)));
  const made = ctx.quantised ? undefined : regroupedLayout(channels);
  if (!made || made.f === 1) return x;
  return { ...x, tensor: ctx.emit('regroup', [x.tensor], { f: made.f }, `${name}/apart`), layout: made.layout };
};

/** Frames where an operator has its channels, as channels; what stands beside them as features. */
const sideways: Form = (ctx, x, name) => {
  const isChannels = x.layout.length > 2 && isWindow(x.layout[1] ?? [], ctx.builder.shape(x.tensor));
  const turned = !ctx.quantised && isChannels ? asRows(x, 1, { rows: 'c', others: 'f' }) : undefined;
  if (!turned) return x;
  return ctx.activationOf(ctx.emit('permute', [x.tensor], turned.attrs, `${name}/sideways`), turned.layout);
};

/**
 * What `lower` makes of the inputs, or of another form of them where it refuses these.
 * @throws Unsupported
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
    for (const form of ctx.states.any ? [shuffled] : [lined(false), lined(true), shuffled, apart, sideways]) {
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
