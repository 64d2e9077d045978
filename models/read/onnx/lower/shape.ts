/**
 * Lowers operators that only move elements or pass them on: Reshape, Flatten, Squeeze, Unsqueeze, Transpose,
 * Identity, Dropout, Cast; and Pad, which becomes the padding of the convolution or pooling after it.
 *
 * In: activations.  Out: the same tensor with another layout. Source: ONNX operator specification.
 */

import { isRunletError } from '../../../error.ts';
import type { PadRows } from '../../../graph/types.ts';
import { lookup } from '../../../lookup.ts';
import { dim, fileShapeOf, type Layout, reshapeLayout, transposeLayout } from '../../layout.ts';
import { isWindow } from '../../over-time.ts';
import { zerosAround } from '../../picks.ts';
import { Attributes } from '../attributes.ts';
import type { Lowering, NodeView } from '../context.ts';
import { axesOf, axisIn, flattenedDims, reshapedDims, squeezedDims, unsqueezedDims } from '../dims.ts';
import { refuse } from '../refuse.ts';
import { elementTypes } from '../tensor.ts';
import { type Activation, type AxisPads, axisOfDim, type Value, wholeAxis } from '../values.ts';
import { lowerConcat } from './arithmetic.ts';
import { inChannels, relaid, withQuant } from './regroup.ts';

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
      try {
        return [relaid(ctx, node, x, (layout) => transposeLayout(layout, perm))];
      } catch (error) {
        // parts of the frames are exchanged
        const to = perm.map((d) => x.layout[d] ?? []);
        const made = isRunletError(error) ? inChannels(ctx, x, node.name, to) : x;
        if (made === x) throw error;
        return [made];
      }
    }
  }
  return refuse(`operator ${node.op}`);
}

/** Lowers Identity, Dropout (inference) and Casts from float32 to float32. */
export function lowerIdentity(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0, any);
  node.attributes.ignore('ratio', 'seed', 'saturate');
  if (node.op === 'Cast' && (x.integer || elementTypes[node.attributes.int('to', 0)] !== 'float32'))
    refuse('a cast to a type other than float32');
  if (node.op === 'Dropout') {
    if (ctx.optional(node, 2, 'training_mode')?.data[0]) refuse('it is in training mode');
    if (node.outputs.filter((name) => name !== '').length > 1) return [x, { kind: 'poisoned' }];
  }
  return [x];
}

/** The modes of Pad and of MirrorPad other than constant. */
const padModes: Readonly<Record<string, PadRows>> = { reflect: 'reflect', symmetric: 'symmetric', edge: 'edge' };

/**
 * Lowers Pad. Zeros along time or features stay pending until the convolution or pooling that reads them.
 * Rows of other modes are added immediately.
 */
export function lowerPad(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0, any);
  const { attributes } = node;
  const mode = attributes.string('mode', 'constant');
  const own = lookup(padModes, mode);
  if (mode === 'wrap') return wrapped(ctx, node);
  if (mode !== 'constant' && !own) refuse(`mode ${mode}: zeros, reflect, symmetric, edge and wrap are supported`);
  const value = ctx.optional(node, 2, 'constant value')?.data[0] ?? attributes.float('value', 0);
  // for integers, zero is the zero point
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
  const isPending = padded.t[0] + padded.t[1] + padded.f[0] + padded.f[1] > 0;
  return [{ ...x, tensor, layout, ...(isPending && { pads: padded }) }];
}

/** Lowers mode wrap: puts the last frames of the window before it, and the first frames after it. */
function wrapped(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0);
  const rank = x.layout.length;
  const pads = node.attributes.ints('pads') ?? [...ctx.constant(node, 1, 'pads').data];
  const axes = [...(ctx.optional(node, 3, 'axes')?.data ?? x.layout.keys())];
  const held = axes.flatMap((given, i) => (pads[i] || pads[i + axes.length] ? [{ at: axisIn(given, rank), i }] : []));
  const [one, more] = held;
  if (!one) return [x];
  const { t } = ctx.builder.shape(x.tensor);
  const [before, after] = [pads[one.i] as number, pads[one.i + axes.length] as number];
  const isPart = (n: number) => Number.isInteger(n) && n >= 0 && n <= t;
  if (more || !isWindow(x.layout[one.at] ?? [], { t, f: 1, c: 1 }) || !isPart(before) || !isPart(after))
    return refuse('mode wrap along a dimension other than time, or by more than the window');
  const part = (rows: number, first: number, name: string): Value[] => {
    if (rows === 0) return [];
    const tensor = ctx.emit('history', [x.tensor], { before: -first, after: first + rows - t }, `${node.name}/${name}`);
    return [ctx.activationOf(tensor, x.layout.with(one.at, dim('t', rows)))];
  };
  const inputs = [...part(before, t - before, 'end'), x, ...part(after, 0, 'start')];
  const axis = { kind: 'int', value: one.at } as const;
  const attributes = new Attributes({
    name: '',
    op: 'Concat',
    domain: '',
    inputs: [],
    outputs: [],
    attributes: new Map([['axis', axis]]),
  });
  return lowerConcat(ctx, { ...node, op: 'Concat', inputs, inputNames: inputs.map(() => ''), attributes });
}

/** Adds zeros before and after the channels of a float signal. */
function zerosBeside(ctx: Lowering, node: NodeView, x: Activation, at: number, before: number, after: number): Activation {
  const { c } = ctx.builder.shape(x.tensor);
  wholeAxis(x.layout, at, 'c');
  const attrs = zerosAround(c, before, after);
  if (ctx.quantised || !attrs) return refuse('padding of channels');
  ctx.budget.spend(attrs.weights.data.length, node.name);
  return ctx.activationOf(ctx.emit('conv', [x.tensor], attrs, node.name), x.layout.with(at, dim('c', attrs.outChannels)));
}
