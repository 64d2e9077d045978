/**
 * Operators that only move or name elements: Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Identity, Dropout, Cast; Pad,
 * which becomes the padding of the convolution or pooling behind it; and parts: Slice, Gather of one element.
 *
 * In: activations.  Out: the same tensor with another layout, or a part of it. Source: ONNX operator specification.
 */

import type { Axis, Node, PadRows } from '../../../graph/types.ts';
import { elementsOf } from '../../../graph/types.ts';
import { lookup } from '../../../lookup.ts';
import { opOfNode } from '../../../ops/index.ts';
import { dim, fileShapeOf, type Layout, reshapeLayout, runOf, showLayout, transposeLayout } from '../../layout.ts';
import { cropOf, framesOfIndexes, framing, zerosAround } from '../../picks.ts';
import { steppingPool } from '../../reduced.ts';
import type { Lowering, NodeView } from '../context.ts';
import { axesOf, axisIn, flattenedDims, reshapedDims, sliceRanges, squeezedDims, unsqueezedDims } from '../dims.ts';
import { refuse } from '../refuse.ts';
import { type Const, elementTypes } from '../tensor.ts';
import { type Activation, type AxisPads, axisOfDim, sameLayout, type Value, wholeAxis } from '../values.ts';
import { backwards, relaid, withQuant } from './regroup.ts';

const any = { pads: true, integer: true, raw: true } as const;

export function lowerShape(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0, any);
  const dims = fileShapeOf(x.layout);
  const { attributes } = node;
  const to = (shape: number[]): Value[] => {
    if (shape.some((d) => d < 1)) refuse(`an empty tensor of [${shape.join(', ')}]`);
    return [relaid(ctx, node, x, (layout) => reshapeLayout(layout, shape, node.name))];
  };
  switch (node.op) {
    case 'Reshape':
      return to(reshapedDims(dims, [...ctx.constant(node, 1, 'shape').data], attributes.int('allowzero', 0) === 1));
    case 'Flatten':
      return to(flattenedDims(dims, attributes.int('axis', 1)));
    case 'Squeeze':
      return to(squeezedDims(dims, axesOf(attributes, ctx.optional(node, 1, 'axes'))));
    case 'Unsqueeze':
      return to(unsqueezedDims(dims, axesOf(attributes, ctx.optional(node, 1, 'axes')) ?? refuse('no axes')));
    case 'Transpose': {
      const perm = attributes.ints('perm') ?? dims.map((_, i) => dims.length - 1 - i);
      return [relaid(ctx, node, x, (layout) => transposeLayout(layout, perm))];
    }
  }
  return refuse(`operator ${node.op}`);
}

/** Identity, Dropout (inference) and Casts from float32 to float32. */
export function lowerIdentity(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0, any);
  node.attributes.ignore('ratio', 'seed', 'saturate');
  if (node.op === 'Cast' && (x.integer || elementTypes[node.attributes.int('to', 0)] !== 'float32'))
    refuse('a cast to another type than float32');
  if (node.op === 'Dropout') {
    if (ctx.optional(node, 2, 'training_mode')?.data[0]) refuse('it is in training mode');
    if (node.outputs.filter((name) => name !== '').length > 1) return [x, { kind: 'poisoned' }];
  }
  return [x];
}

/** The modes of Pad and of MirrorPad besides constants. */
const padModes: Readonly<Record<string, PadRows>> = { reflect: 'reflect', symmetric: 'symmetric', edge: 'edge' };

/**
 * Zeros around time or features wait for the convolution or pooling that reads them; rows of the window are
 * added at once.
 */
export function lowerPad(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0, any);
  const { attributes } = node;
  const mode = attributes.string('mode', 'constant');
  const own = lookup(padModes, mode);
  if (mode !== 'constant' && !own) refuse(`mode ${mode}: zeros, reflect, symmetric and edge are padded`);
  const value = ctx.optional(node, 2, 'constant value')?.data[0] ?? attributes.float('value', 0);
  // of integers the zero point
  const zero = x.integer ? (ctx.quantOf(x.tensor)?.zeroPoint ?? 0) + (x.integer === 'uint8' ? 128 : 0) : 0;
  const pads = attributes.ints('pads') ?? [...ctx.constant(node, 1, 'pads').data];
  const rank = x.layout.length;
  const axes = ctx.optional(node, 3, 'axes')?.data ?? x.layout.map((_, i) => i);
  if (pads.length !== 2 * axes.length) refuse(`${pads.length} pads for ${axes.length} dimensions`);
  const all: { t: [number, number]; f: [number, number] } = { t: [...(x.pads?.t ?? [0, 0])], f: [...(x.pads?.f ?? [0, 0])] };
  let layout: Layout = x.layout;
  let { tensor } = x;
  for (const [i, given] of [...axes].entries()) {
    const at = axisIn(given, rank);
    const before = pads[i] as number;
    const after = pads[i + axes.length] as number;
    if (before === 0 && after === 0) continue;
    if (!(Number.isInteger(before) && Number.isInteger(after) && before >= 0 && after >= 0 && before + after < 2 ** 24)) {
      refuse(`pads of ${before} and ${after}`);
    }
    if (value !== zero) refuse(`padding with ${value}: only zeros can be padded`);
    const axis = axisOfDim(layout, at);
    if (axis === 'c') {
      if (own) return refuse(`mode ${mode} along channels`);
      ({ tensor, layout } = zerosBeside(ctx, node, { ...x, tensor, layout }, at, before, after));
      continue;
    }
    wholeAxis(layout, at, axis);
    if (own) {
      if (axis === 'f') return refuse(`mode ${mode} along features`);
      ctx.activation(node, 0);
      tensor = ctx.emit('history', [tensor], { before, after, own }, node.name);
    } else all[axis] = [all[axis][0] + before, all[axis][1] + after];
    const length = (fileShapeOf(layout)[at] as number) + before + after;
    layout = layout.map((factors, d) => (d === at ? dim(axis, length) : factors));
  }
  const padded: AxisPads = all;
  if (own && layout !== x.layout) return [withQuant(ctx, x, ctx.activationOf(tensor, layout))];
  if (layout === x.layout) return [x];
  const waits = padded.t[0] + padded.t[1] + padded.f[0] + padded.f[1] > 0;
  return [{ ...x, tensor, layout, ...(waits && { pads: padded }) }];
}

/** Zeros around all channels of a float signal. */
function zerosBeside(ctx: Lowering, node: NodeView, x: Activation, at: number, before: number, after: number): Activation {
  const { c } = ctx.builder.shape(x.tensor);
  wholeAxis(x.layout, at, 'c');
  const attrs = zerosAround(c, before, after);
  if (ctx.quantised || !attrs) return refuse('padding of channels');
  ctx.budget.spend(attrs.weights.data.length, node.name);
  return ctx.activationOf(ctx.emit('conv', [x.tensor], attrs, node.name), x.layout.with(at, dim('c', attrs.outChannels)));
}

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

/** Every `step`th element of a dimension of time or features: a pool of one place that takes such steps. */
function everyNth(ctx: Lowering, node: NodeView, given: Activation, at: number, step: number): Activation {
  const axis = axisOfDim(given.layout, at);
  if (axis === 'c') refuse(`it keeps every ${step}th channel`);
  wholeAxis(given.layout, at, axis);
  const x = ctx.activation({ ...node, inputs: [given] }, 0, { raw: true, integer: true });
  const tensor = ctx.emit('maxpool', [x.tensor], steppingPool(axis, step), `${node.name}/steps`);
  const layout = x.layout.with(at, dim(axis, ctx.builder.shape(tensor)[axis]));
  return withQuant(ctx, x, ctx.activationOf(tensor, layout));
}

/** Split: parts of one dimension, equal ones or of stated lengths. */
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

/** One element of a dimension, which goes where the index is a scalar: `x[:, -1]`. */
export function lowerGather(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0, { raw: true, integer: true });
  const dims = fileShapeOf(x.layout);
  const at = axisIn(node.attributes.int('axis', 0), dims.length);
  const index = ctx.constant(node, 1, 'indices');
  const length = dims[at] as number;
  const [given] = index.data;
  if (index.data.length !== 1 || given === undefined) return [gatheredFrames(ctx, node, x, at, index)];
  const start = Number(given) < 0 ? Number(given) + length : Number(given);
  if (!(start >= 0 && start < length)) refuse(`element ${given} of ${length}`);
  const part = length === 1 ? x : cropped(ctx, x, { at, axis: axisOfDim(x.layout, at), start, count: 1 }, true, node);
  const layout = index.dims.length === 0 ? part.layout.toSpliced(at, 1) : part.layout;
  return [{ ...part, layout }];
}

/** Overlapping frames of a signal, each `length` values of time. */
function gatheredFrames(ctx: Lowering, node: NodeView, x: Activation, at: number, index: Const): Activation {
  const { t, f, c } = ctx.builder.shape(x.tensor);
  const isTime = f === 1 && sameLayout(x.layout.slice(at, at + 1), [dim('t', t)]);
  const frames = framesOfIndexes(index.data, index.dims);
  const attrs = frames && framing(frames, c);
  if (!frames || !attrs || !isTime || ctx.quantised || index.data.some((i: number) => i >= t))
    return refuse('it gathers several elements, which are read as overlapping frames of a float signal alone');
  const { tensor } = ctx.activation(node, 0);
  ctx.budget.spend(attrs.weights.data.length, node.name);
  const crop = cropOf(frames, t);
  const part = crop.before === 0 && crop.after === 0 ? tensor : ctx.emit('history', [tensor], crop, `${node.name}/crop`);
  const layout = [...x.layout.slice(0, at), dim('t', frames.rows), dim('c', frames.length), ...x.layout.slice(at + 1)];
  return ctx.activationOf(ctx.emit('conv', [part], attrs, node.name), layout);
}

/**
 * A part of one dimension. Frames or rows that a padded convolution or pooling makes of its padding, the `chomp` of
 * causal networks, are taken from the padding.
 * @param isOnly nothing else is taken of `x` by this operator
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

/** Takes what is cut off from the producer's padding; false where it is more than that. */
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
