/**
 * Layouts: where the normal form's axes lie in a file's tensor.
 *
 * In: a tensor of the file, each dimension written as a product of factors (parts of t, f or c), outermost
 * first.
 * Out: its layout after a reshape or a transposition, the order of the axes, and the index map into
 * `[t][f][c]`.
 * In the file, elements are row-major over the flattened list of factors, so a reshape only regroups factors
 * and never moves an element. Factors of length 1 do not affect the order and may stand anywhere.
 * Source: row-major reshape and transpose as in ONNX Reshape / Transpose and TensorFlow Lite RESHAPE /
 * TRANSPOSE.
 */
import { RunletError } from '../error.ts';
import type { Axis, DilatedAttrs, Shape } from '../graph/types.ts';

export interface Factor {
  axis: Axis;
  length: number;
}
/** Layout of a file tensor: for each dimension its normal-form factors, outermost first; [] for length 1. */
export type Layout = readonly (readonly Factor[])[];

/**
 * A step between a graph input and the operator that fixes its axes: a reshape (`from`: its input's shape in
 * the file) or a transposition.
 */
export type ShapeStep =
  | { kind: 'reshape'; from: readonly number[] }
  /** Output dimension i is input dimension perm[i]. */
  | { kind: 'transpose'; perm: readonly number[] };

const lengthOf = (factors: readonly Factor[]): number => factors.reduce((product, f) => product * f.length, 1);

/** Returns the factors of an axis in the file's order, without those of length 1. */
const partsOf = (dims: Layout, axis: Axis): Factor[] => dims.flat().filter((f) => f.axis === axis && f.length > 1);

/** Returns the shape in normal form; absent axes are 1. */
export function shapeOfLayout(layout: Layout): Shape {
  const shape: Shape = { t: 1, f: 1, c: 1 };
  for (const factor of layout.flat()) shape[factor.axis] *= factor.length;
  return shape;
}

/** Returns the shape in the file: the product of each dimension's factors. */
export const fileShapeOf = (layout: Layout): number[] => layout.map(lengthOf);

/**
 * Returns the order of the axes in the file, without unit factors.
 * @throws RN122 if an axis lies in two places that are not adjacent: no order of axes describes that.
 */
export function orderOf(layout: Layout): Axis[] {
  const order: Axis[] = [];
  for (const { axis, length } of layout.flat()) {
    if (length === 1 || order.at(-1) === axis) continue;
    if (order.includes(axis)) throw apart(layout, axis, `axis ${axis} lies in two places of a tensor`);
    order.push(axis);
  }
  return order;
}

const axes = ['t', 'f', 'c'] as const;

/** Returns the order of all three axes: absent ones (length 1) first, then those of the file in order. */
export function wholeOrderOf(layout: Layout): Axis[] {
  const order = orderOf(layout);
  return [...axes.filter((axis) => !order.includes(axis)), ...order];
}

/**
 * Returns the layout after a row-major reshape to the file shape `to`: it regroups factors and drops unit
 * factors. `where` names the node. @throws RN120 if a dimension of `to` would split a factor, or if the
 * element counts differ.
 */
export function reshapeLayout(layout: Layout, to: readonly number[], where: string): Layout {
  return regroup(layout, to, where, false);
}

/**
 * Returns the layout after a transposition: dimension i of the result is dimension perm[i]. @throws RN121 if
 * perm is no permutation, RN122 if parts of one axis change places, which moves elements.
 */
export function transposeLayout(layout: Layout, perm: readonly number[]): Layout {
  checkPermutation(perm, layout.length);
  const moved = perm.map((from) => layout[from] ?? []);
  for (const axis of axes) {
    const now = partsOf(moved, axis);
    if (partsOf(layout, axis).some((factor, i) => factor !== now[i]))
      throw apart(moved, axis, `it reorders the elements of axis ${axis}`);
  }
  return moved;
}

/** The same frames after `regroup` with `f` feature rows. */
export interface Regrouped {
  f: number;
  layout: Layout;
}

const relabelled = (layout: Layout, of: (factor: Factor) => Axis): Layout =>
  layout.map((factors) => joined(factors.map((factor) => ({ ...factor, axis: of(factor) }))));

/**
 * Returns frames after `regroup`: features and channels become channels only, or the outermost part of the
 * channels becomes features. Undefined if neither is possible, or if channels come before features.
 */
export function regroupedLayout(layout: Layout): Regrouped | undefined {
  const frame = layout.flat().filter(({ axis, length }) => axis !== 't' && length > 1);
  const rows = frame.filter(({ axis }) => axis === 'f');
  if (rows.some((factor, i) => factor !== frame[i])) return undefined;
  if (rows.length > 0) return { f: 1, layout: relabelled(layout, ({ axis }) => (axis === 'f' ? 'c' : axis)) };
  const [first] = frame;
  if (!first || frame.length < 2) return undefined;
  return { f: first.length, layout: relabelled(layout, (factor) => (factor === first ? 'f' : factor.axis)) };
}

/**
 * Returns the index map from the file to the normal form: result[i] is the flat row-major index in the file
 * of the i-th element of `[t][f][c]`. `order` may leave out axes of length 1. @throws RN122 if `order`
 * repeats an axis or leaves out one above 1.
 */
export function toNormalForm(order: readonly Axis[], shape: Shape): Uint32Array {
  const stride: Record<Axis, number> = { t: 0, f: 0, c: 0 };
  const seen = new Set<Axis>();
  let elements = 1;
  for (const axis of [...order].reverse()) {
    if (seen.has(axis)) throw badOrder(order, shape, `axis ${axis} is there twice`);
    seen.add(axis);
    stride[axis] = elements;
    elements *= shape[axis];
  }
  for (const axis of axes) {
    if (!seen.has(axis) && shape[axis] !== 1) throw badOrder(order, shape, `axis ${axis} is missing`);
  }
  const map = new Uint32Array(elements);
  let i = 0;
  for (let t = 0; t < shape.t; t++) {
    for (let f = 0; f < shape.f; f++) {
      const row = t * stride.t + f * stride.f;
      for (let c = 0; c < shape.c; c++) map[i++] = row + c * stride.c;
    }
  }
  return map;
}

/**
 * Returns the graph input's layout. `anchor` is the layout at the operator that fixes the axes; `chain` holds
 * the shape-only operators from the input to it, in graph order. They are undone, last first. A dimension
 * that the chain splits (1960 -> 49 x 40) gets several factors; one that it merges is split into factors of
 * one axis. @throws RN120 or RN121 if the shapes do not fit.
 */
export function inputLayout(anchor: Layout, chain: readonly ShapeStep[]): Layout {
  let layout = anchor;
  for (const step of [...chain].reverse()) {
    if (step.kind === 'reshape') {
      layout = regroup(layout, step.from, 'graph input', true);
    } else {
      checkPermutation(step.perm, layout.length);
      const undone: (readonly Factor[])[] = layout.map(() => []);
      for (const [to, from] of step.perm.entries()) undone[from] = layout[to] ?? [];
      layout = undone;
    }
  }
  return layout;
}

/** Swaps the last two dimensions. */
export const transposed = (layout: Layout): Layout => layout.with(-1, layout.at(-2) ?? []).with(-2, layout.at(-1) ?? []);

/** Adds dimensions of length 1 in front, up to `rank` dimensions, as broadcasting does. */
export const raised = (layout: Layout, rank: number): Layout => [
  ...new Array(Math.max(rank - layout.length, 0)).fill([]),
  ...layout,
];

/** Returns one file dimension that holds `length` places of `axis`. */
export const dim = (axis: Axis, length: number): readonly Factor[] => (length === 1 ? [] : [{ axis, length }]);

/**
 * Returns the number of elements of an axis from one place of dimension `at` to the next, if that dimension
 * is the outermost of the axis and so a part of it is one run; else undefined.
 */
export function runOf(layout: Layout, at: number, axis: Axis): number | undefined {
  return partsOf(layout.slice(0, at), axis).length > 0 ? undefined : lengthOf(partsOf(layout.slice(at + 1), axis));
}

/** Formats a layout for errors: `[1, t49*f40, c8]`. */
export const showLayout = (layout: Layout): string =>
  `[${layout.map((factors) => factors.map((f) => `${f.axis}${f.length}`).join('*') || '1').join(', ')}]`;

/** Returns SAME padding (out = ceil(in / stride)) as in all formats: the smaller half before the input. */
export function samePadding(length: number, extent: number, stride: number): [number, number] {
  const total = Math.max((Math.ceil(length / stride) - 1) * stride + extent - length, 0);
  const before = Math.floor(total / 2);
  return [before, total - before];
}

/**
 * Returns the padding of a stride-1 convolution that computes a transposed one: it gives `out` rows from
 * `length` rows that stand `stride` apart between zeros. Negative if the padding is longer than the kernel.
 * @param same true if the convolution from output to input pads SAME; false if it has no padding
 */
export function transposedPadding(length: number, out: number, kernel: number, stride: number, same: boolean): [number, number] {
  const before = kernel - 1 - (same ? samePadding(out, kernel, stride)[0] : 0);
  return [before, out - (stride * (length - 1) + 1) + kernel - 1 - before];
}

/** Sets kernel, stride, dilation and padding along one axis. */
export function slideAlong(
  geometry: DilatedAttrs,
  axis: 't' | 'f',
  kernel: number,
  stride: number,
  dilation: number,
  pad: readonly [number, number],
): void {
  if (axis === 't') Object.assign(geometry, { kernelT: kernel, strideT: stride, dilationT: dilation, padT: pad });
  else Object.assign(geometry, { kernelF: kernel, strideF: stride, dilationF: dilation, padF: pad });
}

function regroup(layout: Layout, to: readonly number[], where: string, maySplit: boolean): Layout {
  const refuse = (why: string): never => {
    throw new RunletError('RN120', {
      what: `a reshape from ${showLayout(layout)} to [${to.join(', ')}] cannot be resolved into an order of axes`,
      where,
      why,
      tryThis: 'reshape only so that time, features and channels stay whole (flatten, squeeze, expand)',
    });
  };
  const rest = layout.flat().filter((f) => f.length !== 1);
  if (!to.every((n) => Number.isSafeInteger(n) && n >= 1)) refuse('its lengths are not positive integers');
  if (lengthOf(rest) !== to.reduce((a, b) => a * b, 1)) refuse('the element counts differ');
  const result: Factor[][] = [];
  for (const length of to) {
    const factors: Factor[] = [];
    let wanted = length;
    while (wanted > 1) {
      const next = rest.shift();
      if (!next) return refuse('the element counts differ');
      if (wanted % next.length === 0) {
        factors.push(next);
        wanted /= next.length;
      } else if ((maySplit || next.axis === 'c') && next.length % wanted === 0) {
        factors.push({ axis: next.axis, length: wanted });
        rest.unshift({ axis: next.axis, length: next.length / wanted });
        wanted = 1;
      } else {
        refuse(`axis ${next.axis} of length ${next.length} would be split`);
      }
    }
    result.push(joined(factors));
  }
  return result;
}

/** Merges adjacent factors of one axis: in row-major order their product counts the same elements. */
export function joined(factors: readonly Factor[]): Factor[] {
  const all: Factor[] = [];
  for (const f of factors) {
    const last = all.at(-1);
    if (last?.axis === f.axis) all[all.length - 1] = { axis: f.axis, length: last.length * f.length };
    else all.push(f);
  }
  return all;
}

function checkPermutation(perm: readonly number[], rank: number): void {
  const sorted = [...perm].sort((a, b) => a - b);
  if (perm.length === rank && sorted.every((value, i) => value === i)) return;
  throw new RunletError('RN121', {
    what: `[${perm.join(', ')}] is not a permutation of ${rank} dimensions`,
    where: 'transposition',
    tryThis: 'export the model again',
  });
}

const apart = (layout: Layout, axis: Axis, what: string): RunletError =>
  new RunletError('RN122', {
    what,
    where: `layout ${showLayout(layout)}`,
    why: `the elements of ${axis} are not in one row-major order of time, features and channels`,
    tryThis: 'remove the reshape or transposition that splits the axis',
  });

const badOrder = (order: readonly Axis[], shape: Shape, why: string): RunletError =>
  new RunletError('RN122', {
    what: `the order [${order.join(', ')}] does not describe a tensor of [${shape.t}][${shape.f}][${shape.c}]`,
    where: 'axis order',
    why,
  });
