/**
 * Dims: the effect of shape operators on a list of dimensions.
 *
 * In: dims and an operator's arguments.  Out: the dims of its output, or a refusal. Source: ONNX Reshape,
 * Flatten, Squeeze, Unsqueeze, Slice and the multidirectional broadcast.
 */
import type { Attributes } from './attributes.ts';
import { refuse } from './refuse.ts';
import { type Const, countOf } from './tensor.ts';

/** Wraps a negative axis; refuses one outside the rank. */
export function axisIn(axis: number, rank: number): number {
  const wrapped = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(wrapped) || wrapped < 0 || wrapped >= rank) refuse(`axis ${axis} of ${rank} dimensions`);
  return wrapped;
}

/** Returns `axes` from an attribute (older opsets) or from a constant input. */
export function axesOf(attributes: Attributes, input: Const | undefined): number[] | undefined {
  return attributes.ints('axes') ?? (input ? [...input.data] : undefined);
}

export function squeezedDims(dims: readonly number[], axes: readonly number[] | undefined): number[] {
  if (!axes) return dims.filter((d) => d !== 1);
  const gone = new Set(axes.map((a) => axisIn(a, dims.length)));
  for (const a of gone) if (dims[a] !== 1) refuse(`dimension ${a} of length ${dims[a]} cannot be squeezed`);
  return dims.filter((_, i) => !gone.has(i));
}

export function unsqueezedDims(dims: readonly number[], axes: readonly number[]): number[] {
  const rank = dims.length + axes.length;
  const added = new Set(axes.map((a) => axisIn(a, rank)));
  if (added.size !== axes.length || rank > 8) refuse(`axes [${axes.join(', ')}] of Unsqueeze`);
  const rest = [...dims];
  return Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : (rest.shift() as number)));
}

/** ONNX Reshape: 0 copies a dimension (unless allowzero), -1 takes the remaining elements. */
export function reshapedDims(dims: readonly number[], target: readonly number[], allowZero: boolean): number[] {
  if (target.length > 8) refuse(`a reshape to ${target.length} dimensions`);
  const to = target.map((d, i) => (d === 0 && !allowZero ? (dims[i] ?? refuse('a 0 of Reshape has no dimension to copy')) : d));
  const open = to.indexOf(-1);
  const total = countOf(dims);
  if (open >= 0) {
    const rest = to.reduce((product, d, i) => (i === open ? product : product * d), 1);
    to[open] = total / rest;
  }
  if (!to.every((d) => Number.isSafeInteger(d) && d >= 0) || countOf(to) !== total) {
    refuse(`[${dims.join(', ')}] cannot be reshaped to [${target.join(', ')}]`);
  }
  return to;
}

export function flattenedDims(dims: readonly number[], axis: number): number[] {
  const at = axis < 0 ? axis + dims.length : axis;
  if (!Number.isInteger(at) || at < 0 || at > dims.length) refuse(`axis ${axis} of ${dims.length} dimensions`);
  return [countOf(dims.slice(0, at)), countOf(dims.slice(at))];
}

/** ONNX's multidirectional broadcast of two shapes. */
export function broadcastDims(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i + a.length - rank] ?? 1;
    const y = b[i + b.length - rank] ?? 1;
    if (x !== y && x !== 1 && y !== 1) refuse(`[${a.join(', ')}] and [${b.join(', ')}] cannot be broadcast`);
    return x === 1 ? y : x;
  });
}

/** Returns, for each dimension, the first index, the step and the number of elements that a Slice keeps. */
export function sliceRanges(
  dims: readonly number[],
  attributes: Attributes,
  inputs: (Const | undefined)[],
): { start: number; step: number; count: number }[] {
  const list = (name: string, at: number) => attributes.ints(name) ?? (inputs[at] ? [...(inputs[at] as Const).data] : undefined);
  const starts = list('starts', 1) ?? refuse('a Slice without constant starts');
  const ends = list('ends', 2) ?? refuse('a Slice without constant ends');
  const axes = list('axes', 3) ?? starts.map((_, i) => i);
  const steps = inputs[4] ? [...inputs[4].data] : starts.map(() => 1);
  const ranges = dims.map((count) => ({ start: 0, step: 1, count }));
  for (const [i, axis] of axes.entries()) {
    const at = axisIn(axis, dims.length);
    const length = dims[at] as number;
    const step = steps[i] ?? 1;
    const from = starts[i] ?? Number.NaN;
    const to = ends[i] ?? Number.NaN;
    if (Number.isNaN(from) || Number.isNaN(to) || !Number.isInteger(step) || step === 0) refuse('a malformed Slice');
    const clip = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value < 0 ? value + length : value));
    const start = step > 0 ? clip(from, 0, length) : clip(from, 0, length - 1);
    const end = step > 0 ? clip(to, 0, length) : clip(to, -1, length - 1);
    ranges[at] = { start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  }
  return ranges;
}
