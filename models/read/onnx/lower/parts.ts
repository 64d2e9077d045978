/**
 * Lowers parts of a tensor: Slice, Split, Gather, GatherElements and GatherND.
 *
 * In: an activation and constant ranges or indexes.  Out: `history` for a part of the frames, `slice` for a
 * part of the channels or features, `concat` for several parts; or less padding in the layer before.
 * Source: ONNX Slice-13, Split-18, Gather-13, GatherElements-13, GatherND-13.
 */
import type { Axis, Node } from '../../../graph/types.ts';
import { elementsOf } from '../../../graph/types.ts';
import { opOfNode } from '../../../ops/index.ts';
import { dim, fileShapeOf, runOf, showLayout } from '../../layout.ts';
import { isWindow } from '../../over-time.ts';
import { cropOf, framesOfIndexes, framing, runsOf } from '../../picks.ts';
import { steppingPool } from '../../reduced.ts';
import type { Lowering, NodeView } from '../context.ts';
import { axisIn, sliceRanges } from '../dims.ts';
import { refuse } from '../refuse.ts';
import { type Const, countOf } from '../tensor.ts';
import { type Activation, axisOfDim, sameLayout, type Value, wholeAxis } from '../values.ts';
import { backwards, mixed, withQuant } from './regroup.ts';

const isPadded = (attrs: { padT: readonly number[]; padF: readonly number[] }, axis: Axis): boolean =>
  (axis === 't' ? attrs.padT : attrs.padF).some((p) => p > 0);

/** Elements [start, start + count) of dimension `at`. */
interface Cut {
  at: number;
  axis: Axis;
  start: number;
  count: number;
}

export function lowerSlice(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0, { raw: true, integer: true });
  const dims = fileShapeOf(x.layout);
  const inputs = node.inputs.map((_, i) => (i === 0 ? undefined : ctx.optional(node, i, 'range')));
  const given = sliceRanges(dims, node.attributes, inputs);
  const ranges = given.map(({ start, step, count }) => ({ start: step < 0 ? start + (count - 1) * step : start, step: Math.abs(step), count })); // biome-ignore format: one line
  const cuts = ranges.flatMap(({ start, step, count }, at): Cut[] => {
    const span = (count - 1) * step + 1;
    if (count < 1) refuse('it keeps nothing');
    return span === dims[at] ? [] : [{ at, axis: axisOfDim(x.layout, at), start, count: span }];
  });
  const part = cuts.reduce((y, cut) => cropped(ctx, y, cut, cuts.length === 1, node), x);
  const kept = ranges.reduce((y, { step, count }, at) => (step > 1 && count > 1 ? everyNth(ctx, node, y, at, step) : y), part);
  const back = given.flatMap(({ step, count }, at) => (step < 0 && count > 1 ? [at] : []));
  return [back.length > 0 ? backwards(ctx, node, kept, back) : kept];
}

/** Keeps every `step`th element of a dimension; for time and features, by a pool of one place. */
function everyNth(ctx: Lowering, node: NodeView, given: Activation, at: number, step: number): Activation {
  const axis = axisOfDim(given.layout, at);
  const length = fileShapeOf(given.layout)[at] as number;
  if (axis === 'c')
    return picked(
      ctx,
      node,
      given,
      at,
      Array.from({ length: Math.ceil(length / step) }, (_, i) => i * step),
    );
  wholeAxis(given.layout, at, axis);
  const x = ctx.activation({ ...node, inputs: [given] }, 0, { raw: true, integer: true });
  const tensor = ctx.emit('maxpool', [x.tensor], steppingPool(axis, step), `${node.name}/steps`);
  const layout = x.layout.with(at, dim(axis, ctx.builder.shape(tensor)[axis]));
  return withQuant(ctx, x, ctx.activationOf(tensor, layout));
}

/** Lowers Split: equal parts of one dimension, or parts of given lengths. */
export function lowerSplit(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0, { raw: true, integer: true });
  const dims = fileShapeOf(x.layout);
  const at = axisIn(node.attributes.int('axis', 0), dims.length);
  const length = dims[at] as number;
  const count = node.attributes.int('num_outputs', node.outputs.length);
  const each = Math.ceil(length / count);
  const stated = node.attributes.ints('split') ?? ctx.optional(node, 1, 'split')?.data;
  const sizes = stated ? Array.from(stated, Number) : node.outputs.map((_, i) => Math.min(each, length - i * each));
  const whole = sizes.reduce((sum, n) => sum + n, 0) === length && sizes.every((n) => Number.isInteger(n) && n > 0);
  if (sizes.length !== node.outputs.length || !whole) refuse(`parts of ${sizes.slice(0, 8).join(', ')} are not ${length}`);
  const axis = axisOfDim(x.layout, at);
  let start = 0;
  return sizes.map((size, i) => {
    const cut = { at, axis, start, count: size };
    start += size;
    return size === length ? x : cropped(ctx, x, cut, false, { ...node, name: `${node.name}/${i}` });
  });
}

/** Picks elements of a dimension: each run of them becomes a slice, and the slices are joined. */
function picked(ctx: Lowering, node: NodeView, x: Activation, at: number, indexes: readonly number[]): Activation {
  const axis = axisOfDim(x.layout, at);
  const runs = runsOf(indexes);
  if (axis === 't' && runs?.length !== 1 && !ctx.quantised && isWindow(x.layout[at] ?? [], ctx.builder.shape(x.tensor))) {
    const picking = (t: number) => {
      const weights = new Float32Array(indexes.length * t);
      for (const [i, from] of indexes.entries()) weights[i * t + from] = 1;
      return weights;
    };
    return mixed(ctx, ctx.activation({ ...node, inputs: [x] }, 0), at, indexes.length, picking, node.name);
  }
  if (!runs || (axis === 't' && runs.length > 1))
    return refuse(`it picks ${indexes.length} elements of ${showLayout(x.layout)} that do not follow one another`);
  const length = fileShapeOf(x.layout)[at];
  const parts = runs.map((run, i) => {
    const own = runs.length === 1 ? node : { ...node, name: `${node.name}/${i}` };
    return run.count === length ? x : cropped(ctx, x, { at, axis, ...run }, runs.length === 1, own);
  });
  const [first] = parts as [Activation];
  if (axis === 't' || parts.length === 1) return first;
  const ids = parts.map(({ tensor }) => tensor);
  const layout = x.layout.with(at, dim(axis, indexes.length));
  return withQuant(ctx, x, ctx.activationOf(ctx.emit('concat', ids, { axis }, node.name), layout));
}

/**
 * Lowers Gather. A scalar index removes the dimension, `x[:, -1]`; an index [frames][values] gives frames.
 */
export function lowerGather(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0, { raw: true, integer: true });
  const dims = fileShapeOf(x.layout);
  const at = axisIn(node.attributes.int('axis', 0), dims.length);
  const index = ctx.constant(node, 1, 'indices');
  const length = dims[at] as number;
  if (index.data.length === 0) refuse('it picks nothing');
  if (index.dims.length > 1 && index.data.length > 1) return [gatheredFrames(ctx, node, x, at, index)];
  const indexes = Array.from(index.data as ArrayLike<number>, (given) => {
    const i = Number(given) < 0 ? Number(given) + length : Number(given);
    return i >= 0 && i < length ? i : refuse(`element ${given} of ${length}`);
  });
  const part = picked(ctx, node, x, at, indexes);
  const layout = index.dims.length === 0 ? part.layout.toSpliced(at, 1) : part.layout;
  return [{ ...part, layout }];
}

/** Lowers GatherElements as a Gather, if it picks the same elements of the dimension everywhere. */
export function lowerGatherElements(ctx: Lowering, node: NodeView): Value[] {
  const dims = fileShapeOf(ctx.activation(node, 0, { raw: true, integer: true }).layout);
  const index = ctx.constant(node, 1, 'indices');
  const at = axisIn(node.attributes.int('axis', 0), dims.length);
  const count = index.dims[at] ?? 0;
  const inner = countOf(index.dims.slice(at + 1));
  const rows = Array.from({ length: count }, (_, i) => Number(index.data[i * inner]));
  const isLike = index.dims.length === dims.length && index.dims.every((d, i) => i === at || d === dims[i]);
  if (!isLike || !Array.from(index.data as ArrayLike<number>).every((d, i) => Number(d) === rows[Math.floor(i / inner) % count]))
    refuse('it picks different elements in different places');
  const one = {
    ...index,
    dims: [count],
    data: index.data.filter((_: number, i: number) => i % inner === 0 && i < count * inner),
  };
  return lowerGather(ctx, { ...node, inputs: [node.inputs[0], one as Const] });
}

/** Lowers GatherND: places of the first dimension, or one place, as in `x[range(n), lengths - 1]`. */
export function lowerGatherNd(ctx: Lowering, node: NodeView): Value[] {
  const index = ctx.constant(node, 1, 'indices');
  if (index.dims.length === 2 && index.dims[1] === 1 && node.attributes.int('batch_dims', 0) === 0)
    return lowerGather(ctx, { ...node, inputs: [node.inputs[0], { ...index, dims: index.dims.slice(0, 1) }] });
  if (index.dims.length < 1 || index.dims.at(-1) !== index.data.length || node.attributes.int('batch_dims', 0) !== 0)
    refuse('it gathers several places');
  let x = ctx.activation(node, 0, { raw: true, integer: true });
  for (const [i, at] of Array.from(index.data as ArrayLike<number>, Number).entries()) {
    const length = fileShapeOf(x.layout)[0] ?? refuse('its indices have more dimensions than its input');
    if (!(at >= -length && at < length)) refuse(`element ${at} of ${length}`);
    const part = picked(ctx, { ...node, name: `${node.name}/${i}` }, x, 0, [at < 0 ? at + length : at]);
    x = { ...part, layout: part.layout.slice(1) };
  }
  return [{ ...x, layout: [...index.dims.slice(1).map(() => []), ...x.layout] }];
}

/** Gathers overlapping frames of a signal; each has `length` values along time. */
function gatheredFrames(ctx: Lowering, node: NodeView, x: Activation, at: number, index: Const): Activation {
  const { t, f, c } = ctx.builder.shape(x.tensor);
  const isTime = f === 1 && sameLayout(x.layout.slice(at, at + 1), [dim('t', t)]);
  const frames = framesOfIndexes(index.data, index.dims);
  const attrs = frames && framing(frames, c, x.layout, at);
  if (!frames || !attrs || !isTime || ctx.quantised || index.data.some((i: number) => i >= t))
    return refuse('it gathers several elements; only overlapping frames of a float signal are supported');
  const { tensor } = ctx.activation(node, 0);
  ctx.budget.spend(attrs.weights.data.length, node.name);
  const crop = cropOf(frames, t);
  const part = crop.before === 0 && crop.after === 0 ? tensor : ctx.emit('history', [tensor], crop, `${node.name}/crop`);
  const layout = [...x.layout.slice(0, at), dim('t', frames.rows), dim('c', frames.length), ...x.layout.slice(at + 1)];
  return ctx.activationOf(ctx.emit('conv', [part], attrs, node.name), layout);
}

/**
 * Cuts a part of one dimension. If it cuts off frames or rows that a padded convolution or pooling computes
 * from its padding (the `chomp` of causal networks), it reduces the padding instead.
 * @param isOnly true: the operator cuts no other dimension, and takes no other part of `x`
 */
function cropped(ctx: Lowering, x: Activation, cut: Cut, isOnly: boolean, node: NodeView): Activation {
  const { at, axis, start, count } = cut;
  const run = axis === 'c' ? runOf(x.layout, at, axis) : 1;
  if (axis !== 'c') wholeAxis(x.layout, at, axis);
  if (run === undefined) return refuse(`it cuts an inner part of axis ${axis} of ${showLayout(x.layout)}`);
  const layout = x.layout.map((factors, d) => (d === at ? dim(axis, count) : factors));
  const producer = x.integer || axis === 'c' || !isOnly ? undefined : ctx.soleProducer(x.tensor);
  if (producer && 'padT' in producer.attrs && isPadded(producer.attrs, axis) && chomped(ctx, producer, x.tensor, cut))
    return { ...x, layout };
  ctx.activation(node, 0, { integer: true });
  const length = ctx.builder.shape(x.tensor)[axis];
  const tensor =
    axis === 't'
      ? ctx.emit('history', [x.tensor], { before: -start, after: start + count - length }, node.name)
      : ctx.emit('slice', [x.tensor], { axis, from: start * run, to: (start + count) * run }, node.name);
  return withQuant(ctx, x, ctx.activationOf(tensor, layout));
}

/** Reduces the producer's padding by what is cut off; returns false if more than padding is cut off. */
function chomped(ctx: Lowering, producer: Node, id: number, { axis, start, count }: Cut): boolean {
  const [source] = producer.inputs;
  const { attrs } = producer;
  const tensor = ctx.builder.tensors[id];
  if (source === undefined || !tensor || !('padT' in attrs)) return false;
  const upper = axis === 't' ? 'T' : 'F';
  const pad = attrs[`pad${upper}`];
  const stride = attrs[`stride${upper}`];
  const dilation = 'dilationT' in attrs ? attrs[`dilation${upper}`] : 1;
  const length = ctx.builder.shape(source)[axis as 't' | 'f'];
  const before = pad[0] - start * stride;
  const need = (count - 1) * stride + (attrs[`kernel${upper}`] - 1) * dilation + 1 - length - before;
  if (before < 0 || need + stride - 1 < 0) return false;
  const chomp = { ...attrs, [`pad${upper}`]: [before, Math.max(0, need)] };
  const inputs = producer.inputs.map((one) => ctx.builder.shape(one));
  const shape = opOfNode(producer).shape(inputs, chomp, producer.name);
  if (shape[axis] !== count || elementsOf(shape) < 1) return false;
  Object.assign(attrs, chomp);
  tensor.shape = shape;
  return true;
}
