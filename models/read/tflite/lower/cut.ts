/**
 * Lowers STRIDED_SLICE, SLICE, SPLIT, SPLIT_V, UNPACK, REVERSE_V2 and GATHER (of elements or of overlapping
 * frames).
 *
 * In: a value and constant ranges.
 * Out: a `slice` node for a part of the channels or feature rows. Along time, a `history` node that drops
 * frames, or in a stateful model another view of the stream's history. The same part of the same tensor is
 * one node. A stride becomes a pool with kernel 1, a reversal becomes `permute`.
 * Source: TensorFlow Lite STRIDED_SLICE (bit d of a mask is dimension d; negative indexes count from the
 * end), SLICE (size -1: to the end).
 */
import type { Axis } from '../../../graph/types.ts';
import { dim as dimOf, type Layout, runOf, showLayout } from '../../layout.ts';
import { cropOf, everyStep, framesOfIndexes, framing, runsOf } from '../../picks.ts';
import { steppingPool } from '../../reduced.ts';
import { axisOf, type Context, factorsOf, malformed, Refusal, shapeOf, type Value } from '../context.ts';
import { integersAt } from '../integers.ts';
import type { TfOperator } from '../model.ts';
import { sameQuant } from '../quantisation.ts';
import type { Table } from '../view.ts';
import { sliceState } from './state.ts';

interface Range {
  from: number;
  to: number;
  /** True if the dimension is dropped. */
  shrink?: boolean;
  /** Stride, 1 by default. A negative stride runs backwards. */
  step?: number;
}

export function lowerStridedSlice(context: Context, op: TfOperator): void {
  const lists = [1, 2, 3].map((i) => integersAt(context, op, i));
  cutInto(context, op, 0, 0, steppedRanges(op, context.options(op), inputShape(context, op, 0), lists));
}

/** Returns the ranges of a STRIDED_SLICE. @throws Refusal for strides. @param args those of steppedRanges */
export function stridedRanges(...args: Parameters<typeof steppedRanges>): Range[] {
  const ranges = steppedRanges(...args);
  const step = ranges.find((range) => range.step !== undefined)?.step;
  if (step !== undefined) throw new Refusal(`it keeps every ${step}th element`);
  return ranges;
}

/** Returns the range and the stride that a STRIDED_SLICE keeps of each dimension. */
function steppedRanges(
  op: TfOperator,
  options: Table | undefined,
  shape: readonly number[],
  [begin, end, strides]: readonly (readonly number[] | undefined)[],
): Range[] {
  if (!begin || !end || !strides) throw new Refusal('its ranges are not constant');
  if (begin.length !== shape.length || end.length !== shape.length || strides.length !== shape.length)
    throw malformed(op, `its ranges do not fit ${shape.length} dimensions`);
  const mask = (field: number, dim: number) => (((options?.int32(field) ?? 0) >> dim) & 1) === 1;
  if ((options?.int32(2) ?? 0) !== 0 || (options?.int32(3) ?? 0) !== 0 || (options?.bool(5) ?? false))
    throw new Refusal('it uses ellipsis_mask, new_axis_mask or offset');
  return shape.map((length, dim): Range => {
    const step = strides[dim] as number;
    // with a negative stride the end may lie before the first element
    const [low, high] = step < 0 ? [-1, length - 1] : [0, length];
    const clamp = (at: number) => Math.min(high, Math.max(low, at < 0 ? at + length : at));
    const first = mask(0, dim) ? (step < 0 ? high : low) : clamp(begin[dim] as number);
    if (mask(4, dim)) return { from: first, to: first + 1, shrink: true };
    const last = mask(1, dim) ? (step < 0 ? low : high) : clamp(end[dim] as number);
    if (step === 0) throw malformed(op, 'a stride of 0');
    const count = Math.max(0, Math.ceil((last - first) / step));
    const outermost = first + (count - 1) * step;
    const [from, to] = step < 0 ? [outermost, first + 1] : [first, outermost + 1];
    return { from, to: count === 0 ? from : to, ...(step !== 1 && count > 1 && { step }) };
  });
}

export const lowerSlice = (context: Context, op: TfOperator): void =>
  cutInto(context, op, 0, 0, sliceRanges(context, op, inputShape(context, op, 0)));

/** Returns the range that a SLICE keeps of each dimension. */
export function sliceRanges(context: Context, op: TfOperator, shape: readonly number[]): Range[] {
  const [begin, size] = [integersAt(context, op, 1), integersAt(context, op, 2)];
  if (!begin || !size) throw new Refusal('its ranges are not constant');
  if (begin.length !== shape.length || size.length !== shape.length)
    throw malformed(op, `its ranges do not fit ${shape.length} dimensions`);
  return shape.map((length, dim): Range => {
    const from = begin[dim] as number;
    const to = size[dim] === -1 ? length : from + (size[dim] as number);
    if (!(from >= 0 && to <= length)) throw malformed(op, `[${from}, ${to}) is not in dimension ${dim} of ${length}`);
    return { from, to };
  });
}

/** Lowers SPLIT (axis, x), which makes equal parts, and SPLIT_V (x, sizes, axis). */
export function lowerSplit(context: Context, op: TfOperator): void {
  const at = op.op === 'SPLIT_V' ? 0 : 1;
  const shape = inputShape(context, op, at);
  for (const [which, { dim, ...range }] of splitRanges(context, op, shape).entries()) {
    const ranges = shape.map((n, d): Range => (d === dim ? range : { from: 0, to: n }));
    cutInto(context, op, at, which, ranges);
  }
}

/** Returns the dimension that is split and the range of each output. */
export function splitRanges(context: Context, op: TfOperator, shape: readonly number[]): (Range & { dim: number })[] {
  const isV = op.op === 'SPLIT_V';
  const axis = integersAt(context, op, isV ? 2 : 0)?.[0];
  if (axis === undefined) throw new Refusal('its axis is not constant');
  const dim = axis < 0 ? axis + shape.length : axis;
  const length = shape[dim];
  if (length === undefined) throw malformed(op, `axis ${axis} of ${shape.length} dimensions does not exist`);
  const count = op.outputs.length;
  const sizes = isV ? [...(integersAt(context, op, 1) ?? [])] : Array.from({ length: count }, () => length / count);
  const open = sizes.indexOf(-1);
  if (open >= 0) sizes[open] = length - sizes.reduce((sum, n) => sum + n, 1);
  const total = sizes.reduce((sum, n) => sum + n, 0);
  if (sizes.length !== count || total !== length || sizes.some((n) => !Number.isInteger(n) || n < 1))
    throw malformed(op, `parts of ${sizes.slice(0, 8).join(', ')} do not add up to ${length}`);
  let from = 0;
  return sizes.map((size) => {
    from += size;
    return { dim, from: from - size, to: from };
  });
}

/** Lowers UNPACK: each output is one element of a dimension, which is dropped. */
export function lowerUnpack(context: Context, op: TfOperator): void {
  const shape = inputShape(context, op, 0);
  const stated = context.options(op)?.int32(1) ?? 0;
  const dim = stated < 0 ? stated + shape.length : stated;
  if (shape[dim] !== op.outputs.length)
    throw malformed(op, `${op.outputs.length} outputs of [${shape.join(', ')}] along ${stated}`);
  for (const which of op.outputs.keys()) cutInto(context, op, 0, which, oneOf(shape, dim, which, true));
}

/** Lowers GATHER. A scalar index drops the dimension (`x[:, -1]`), a two-dimensional one gathers frames. */
export function lowerGather(context: Context, op: TfOperator): void {
  const shape = inputShape(context, op, 0);
  const options = context.options(op);
  const stated = options?.int32(0) ?? 0;
  const dim = stated < 0 ? stated + shape.length : stated;
  const index = integersAt(context, op, 1);
  const length = shape[dim] ?? 0;
  const rank = context.input(op, 1).shape.length;
  if (!index?.length || (options?.int32(1) ?? 0) !== 0) throw new Refusal('it gathers elements that are not constant');
  const [at = 0] = index;
  const beyond = index.find((i) => !(i >= 0 && i < length));
  if (beyond !== undefined) throw malformed(op, `element ${beyond} of dimension ${dim} of [${shape.join(', ')}]`);
  if (index.length === 1) cutInto(context, op, 0, 0, oneOf(shape, dim, at, rank === 0));
  else if (rank > 1) lowerFrames(context, op, dim, index);
  else {
    sameQuant(context.input(op, 0), context.output(op), op.name);
    context.bind(op, picked(context, op, context.value(op, 0, 'history'), dim, index));
  }
}

/** Returns the elements `indexes` of a dimension: cuts out each run of neighbours and joins the parts. */
function picked(context: Context, op: TfOperator, value: Value, dim: number, indexes: readonly number[]): Value {
  const axis = axisOf(value.layout, dim) ?? 'c';
  const runs = runsOf(indexes);
  if (!runs || (axis === 't' && runs.length > 1))
    throw new Refusal(`it picks ${indexes.length} elements of ${showLayout(value.layout)} that are not consecutive`);
  const parts = runs.map(({ start, count }) => cutDim(context, op, value, dim, { from: start, to: start + count }));
  const [first] = parts as [Value];
  if (axis === 't' || parts.length === 1) return first;
  const ids = parts.map((part) => context.laid(part).id);
  const id = context.node('concat', ids, { axis }, op.name, context.builder.tensors[value.id]?.quant);
  const { history: _, ...plain } = value;
  return { ...plain, id, layout: value.layout.with(dim, dimOf(axis, indexes.length)) };
}

/** Lowers GATHER of frames of a signal, which start `step` elements apart. */
function lowerFrames(context: Context, op: TfOperator, dim: number, indexes: readonly number[]): void {
  const value = context.value(op, 0);
  const { layout } = value;
  const { t, f, c } = shapeOf(value);
  const frames = framesOfIndexes(indexes, context.input(op, 1).shape);
  const isTime = axisOf(layout, dim) === 't' && factorsOf(layout, dim).length === 1 && layout[dim]?.[0]?.length === t && f === 1;
  const attrs = frames && framing(frames, c, layout, dim);
  if (!frames || !attrs || !isTime || context.isInt8 || indexes.some((at) => at >= t))
    throw new Refusal('it gathers several elements; only overlapping frames of a float signal are read');
  context.model.view.spend(0, 4 * attrs.weights.data.length);
  const crop = cropOf(frames, t);
  const whole = crop.before === 0 && crop.after === 0;
  const id = whole ? value.id : context.node('history', [value.id], crop, `${op.name}/crop`, undefined);
  context.folds = true;
  context.emit(op, 'conv', [id], attrs, () => [
    ...layout.slice(0, dim),
    dimOf('t', frames.rows),
    dimOf('c', frames.length),
    ...layout.slice(dim + 1),
  ]);
}

/** Returns the ranges that keep element `at` of dimension `dim`. */
const oneOf = (shape: number[], dim: number, at: number, shrink: boolean): Range[] =>
  shape.map((length, d): Range => (d === dim ? { from: at, to: at + 1, shrink } : { from: 0, to: length }));

const inputShape = (context: Context, op: TfOperator, i: number): number[] => {
  const tensor = context.input(op, i);
  return context.states.get(tensor.index)?.shape ?? context.fileShape(op, i);
};

/** Binds output `which` to the ranges of input `i`. */
function cutInto(context: Context, op: TfOperator, i: number, which: number, ranges: Range[]): void {
  const output = context.output(op, which);
  const state = context.states.get(context.input(op, i).index);
  sameQuant(context.input(op, i), output, op.name);
  if (state) {
    context.quantOf(output);
    if (ranges.some((r) => r.shrink || r.step)) throw new Refusal('it drops a dimension of a state, or steps through one');
    context.states.set(output.index, sliceState(op, state, ranges));
    return;
  }
  let value = forward(context, op, i, ranges);
  for (const [dim, range] of ranges.entries()) value = cutDim(context, op, value, dim, range);
  value = stepped(context, op, value, ranges);
  const layout: Layout = value.layout.filter((_, dim) => !ranges[dim]?.shrink);
  context.bind(op, { ...value, layout }, which);
}

/**
 * Returns the value with its frames in forward order. If they are reversed and only one is kept, it changes
 * the range in `ranges` instead.
 */
function forward(context: Context, op: TfOperator, i: number, ranges: Range[]): Value {
  const raw = context.rawValue(op, i);
  if (!raw.reversed) return context.value(op, i, 'history');
  const { reversed: _, ...value } = raw;
  const at = raw.layout.findIndex((_factors, dim) => axisOf(raw.layout, dim) === 't');
  const range = ranges[at];
  const length = context.builder.shape(raw.id).t;
  if (!range || range.to - range.from !== 1) return context.value(op, i, 'history');
  ranges[at] = { ...range, from: length - range.to, to: length - range.from };
  return value;
}

/** Applies the strides to the elements that are left, and reverses dimensions with negative strides. */
function stepped(context: Context, op: TfOperator, cut: Value, ranges: readonly Range[]): Value {
  if (ranges.every(({ step }) => step === undefined)) return cut;
  let value = context.laid(cut);
  for (const [dim, { step = 1 }] of ranges.entries())
    if (Math.abs(step) > 1) value = everyNth(context, op, value, dim, Math.abs(step));
  const back = ranges.flatMap(({ step = 1 }, dim) => (step < 0 ? [wholeAxis(context, value, dim)] : []));
  return back.length > 0 ? context.backwards(value, back, op.name) : value;
}

/** Returns the axis of which a dimension holds all elements. @throws Refusal if there is none */
function wholeAxis(context: Context, { id, layout }: Value, dim: number): Axis {
  const axis = axisOf(layout, dim);
  const isSingle = axis && factorsOf(layout, dim).length === 1;
  if (isSingle && layout[dim]?.[0]?.length === context.builder.shape(id)[axis]) return axis;
  throw new Refusal(`it steps through dimension ${dim} of ${showLayout(layout)}, which is no whole axis`);
}

function everyNth(context: Context, op: TfOperator, value: Value, dim: number, by: number): Value {
  const axis = wholeAxis(context, value, dim);
  if (axis === 'c') return picked(context, op, value, dim, everyStep(shapeOf(value).c, by));
  if (context.stateful) throw new Refusal(`it keeps every ${by}th row of one step, but the rows of steps follow one another`);
  const quant = context.builder.tensors[value.id]?.quant;
  const id = context.node('maxpool', [value.id], steppingPool(axis, by), `${op.name}/steps`, quant);
  const length = context.builder.shape(id)[axis];
  return { ...value, id, layout: value.layout.map((factors, d) => (d === dim ? dimOf(axis, length) : factors)) };
}

/** Lowers REVERSE_V2. Along time it only marks the value: recurrences read reversed frames directly. */
export function lowerReverse(context: Context, op: TfOperator): void {
  const value = context.laid(context.rawValue(op, 0));
  const axes = integersAt(context, op, 1);
  sameQuant(context.input(op, 0), context.output(op), op.name);
  if (axes?.length !== 1) throw new Refusal('it reverses several dimensions');
  const [axis = 0] = axes;
  const at = axis < 0 ? axis + value.layout.length : axis;
  if (!value.layout[at]) throw malformed(op, `axis ${axis} of ${value.layout.length} dimensions does not exist`);
  if (factorsOf(value.layout, at).length === 0) context.bind(op, value);
  else if (wholeAxis(context, value, at) === 't' && !context.stateful) context.bind(op, { ...value, reversed: !value.reversed });
  else context.bind(op, context.backwards(context.value(op, 0), [wholeAxis(context, value, at)], op.name));
}

function cutDim(context: Context, op: TfOperator, value: Value, dim: number, { from, to }: Range): Value {
  const length = (value.layout[dim] ?? []).reduce((product, f) => product * f.length, 1);
  if (to <= from) throw malformed(op, `it keeps nothing of dimension ${dim}`);
  if (from === 0 && to === length) return value;
  const axis = axisOf(value.layout, dim);
  const single = factorsOf(value.layout, dim).length === 1;
  if (!axis || !single) throw new Refusal(`it cuts dimension ${dim} of ${showLayout(value.layout)}, which mixes axes`);
  const layout = value.layout.map((factors, d) => (d === dim ? [{ axis, length: to - from }] : factors));
  if (axis === 't') {
    const { before, after } = value.history ?? { before: 0, after: 0 };
    return { ...value, layout, history: { before: before - from, after: after - (length - to) } };
  }
  const run = runOf(value.layout, dim, axis);
  if (run === undefined) throw new Refusal(`it cuts an inner part of axis ${axis} of ${showLayout(value.layout)}`);
  return { ...value, layout, id: context.part(value.id, { axis, from: from * run, to: to * run }, op.name) };
}
