/**
 * productOf: a product of two activations, as attributes of `matmul`.
 *
 * In: how the axes of both operands lie in the file, by what the product does with them.  Out: the
 * attributes, which operand comes first, and how the result lies; or why there is no such product. Two are
 * known: rows of frames that meet over their channels (attention's scores), and weights [t][heads][s] that
 * meet the s rows of frames (its mean of values). Heads are an outer part of the channels, or feature rows.
 */
import type { Axis, MatmulAttrs, Shape } from '../graph/types.ts';
import { dim, type Factor, joined, type Layout, raised, showLayout } from './layout.ts';

/** Dimensions of one operand: those of both that stay, its own, and those summed over. */
export interface Operand {
  batch: Layout;
  own: Layout;
  summed: Layout;
  /** Of the tensor. */
  shape: Shape;
}

/** A value of the file, and the tensor's shape. */
export type Matrix = { layout: Layout } & Pick<Operand, 'shape'>;

/**
 * Operands of a product of matrices, [..., rows, k] and [..., k, columns].
 * @param turned those given as their transpose
 */
export function matricesOf(pair: readonly [Matrix, Matrix], turned: readonly [boolean, boolean]): [Operand, Operand] {
  const rank = Math.max(pair[0].layout.length, pair[1].layout.length, 2);
  const operand = ({ layout, shape }: Matrix, isSecond: boolean, isTurned: boolean): Operand => {
    const whole = raised(layout, rank);
    const [first, last] = [whole.slice(-2, -1), whole.slice(-1)];
    const [own, summed] = isSecond === isTurned ? [first, last] : [last, first];
    return { batch: whole.slice(0, -2), own, summed, shape };
  };
  return [operand(pair[0], false, turned[0]), operand(pair[1], true, turned[1])];
}

export interface Product {
  attrs: MatmulAttrs;
  /** The second operand is the first input of the node. */
  swapped: boolean;
  /** What the result has of the shared dimensions, and of each operand's own. */
  batch: Layout;
  own: [Layout, Layout];
}

const lengthOf = (factors: readonly Factor[]): number => factors.reduce((n, f) => n * f.length, 1);
const axesOf = (factors: readonly Factor[]): string =>
  joined(factors.filter(({ length }) => length > 1))
    .map(({ axis }) => axis)
    .join('');

/** Features before channels, all of them: the factors count through a frame as it lies. */
const isFrame = (factors: readonly Factor[], { f, c }: Shape): boolean =>
  ['', 'f', 'c', 'fc'].includes(axesOf(factors)) && lengthOf(factors) === f * c;

const isTime = (factors: readonly Factor[], { t }: Shape): boolean =>
  ['', 't'].includes(axesOf(factors)) && lengthOf(factors) === t;

/** Frames, whose heads are the shared dimensions, summed over channels or, with `rows`, over time. */
function isFrames({ batch, own, summed, shape }: Operand, rows: boolean): boolean {
  const [channels, time] = rows ? [own, summed] : [summed, own];
  return isFrame([...batch, ...channels].flat(), shape) && isTime(time.flat(), shape);
}

/** Weights [t][heads][s]. */
const areWeights = ({ batch, own, summed, shape }: Operand): boolean =>
  ['', 'f'].includes(axesOf(batch.flat())) &&
  ['', 'c'].includes(axesOf(summed.flat())) &&
  lengthOf(batch.flat()) === shape.f &&
  lengthOf(summed.flat()) === shape.c &&
  isTime(own.flat(), shape);

export function productOf(a: Operand, b: Operand): Product | string {
  const heads = lengthOf(a.batch.flat());
  const lengths = ({ batch, summed }: Operand) => [batch, summed].map((dims) => dims.map(lengthOf).join()).join(' over ');
  const all = (dims: Layout, axis: Axis): Layout => dims.map((factors) => dim(axis, lengthOf(factors)));
  if (lengths(a) === lengths(b)) {
    if (isFrames(a, false) && isFrames(b, false))
      return { attrs: { heads, over: 'channels' }, swapped: false, batch: all(a.batch, 'f'), own: [a.own, all(b.own, 'c')] };
    const swapped = areWeights(b);
    const [weights, values] = swapped ? [b, a] : [a, b];
    if (areWeights(weights) && isFrames(values, true))
      return { attrs: { heads, over: 'rows' }, swapped, batch: values.batch, own: [a.own, b.own] };
  }
  const text = ({ batch, own, summed }: Operand) => [batch, own, summed].map(showLayout).join(' ');
  return (
    `a product of ${text(a)} and ${text(b)} (shared dimensions, own ones, those summed over): ` +
    'frames that meet over their channels are read, and weights over the rows of frames'
  );
}
