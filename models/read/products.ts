/**
 * productOf: attributes of `matmul` for a product of two activations.
 *
 * In: both operands, with dimensions grouped by their role in the product.  Out: the attributes, the order of
 * the operands and the result's layout; or why there is no such product. There are two kinds: rows of frames
 * multiplied over their channels (attention's scores), and weights [t][heads][s] times the s rows of frames
 * (attention's mean of values). Heads are an outer part of the channels, or feature rows.
 */
import type { Axis, MatmulAttrs, Shape } from '../graph/types.ts';
import { dim, type Factor, joined, type Layout, raised, showLayout } from './layout.ts';

/** Dimensions of one operand by role: shared and kept, only in this operand and kept, and summed over. */
export interface Operand {
  batch: Layout;
  own: Layout;
  summed: Layout;
  /** Shape of the tensor. */
  shape: Shape;
}

/** A value of the file and its tensor's shape. */
export type Matrix = { layout: Layout } & Pick<Operand, 'shape'>;

/**
 * Returns the operands of a matrix product of [..., rows, k] and [..., k, columns].
 * @param turned true for an operand that is given as its transpose
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
  /** True if the second operand is the first input of the node. */
  swapped: boolean;
  /** Layout in the result of the shared dimensions, and of each operand's own dimensions. */
  batch: Layout;
  own: [Layout, Layout];
}

const lengthOf = (factors: readonly Factor[]): number => factors.reduce((n, f) => n * f.length, 1);
const axesOf = (factors: readonly Factor[]): string =>
  joined(factors.filter(({ length }) => length > 1))
    .map(({ axis }) => axis)
    .join('');

/** Checks whether the factors are one whole frame in its order, features before channels. */
const isFrame = (factors: readonly Factor[], { f, c }: Shape): boolean =>
  ['', 'f', 'c', 'fc'].includes(axesOf(factors)) && lengthOf(factors) === f * c;

const isTime = (factors: readonly Factor[], { t }: Shape): boolean =>
  ['', 't'].includes(axesOf(factors)) && lengthOf(factors) === t;

/** Checks whether an operand holds frames with shared heads, summed over channels or, with `rows`, time. */
function isFrames({ batch, own, summed, shape }: Operand, rows: boolean): boolean {
  const [channels, time] = rows ? [own, summed] : [summed, own];
  return isFrame([...batch, ...channels].flat(), shape) && isTime(time.flat(), shape);
}

/** Checks whether an operand holds weights [t][heads][s]. */
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
    `a product of ${text(a)} and ${text(b)} (shared, own and summed dimensions): ` +
    'Runlet reads products of frames over their channels, and of weights and the rows of frames'
  );
}
