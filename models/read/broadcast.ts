/**
 * Broadcasts two operands of one operator if one lacks axes that the other has.
 *
 * In: their layouts.  Out: the common layout, and how often the rows and channels of each are repeated. A
 * value of the whole window that is combined with its rows (squeeze and excite) is such an operand: its row
 * is repeated, and later operators are computed at every output. One channel is repeated by a convolution
 * with ones.
 */
import { type Axis, type ConvAttrs, kernelOfOne, noClamp, type OpAttrs } from '../graph/types.ts';
import { type Layout, raised } from './layout.ts';

export interface Common {
  layout: Layout;
  /** Repeats of the first and of the second operand; undefined if it has all axes. */
  repeats: [Repeat | undefined, Repeat | undefined];
}

/** Number of copies of each time row, of each feature row and of a single channel. */
export interface Repeat {
  t: number;
  f: number;
  c: number;
}

type Spread = 'conv' | 'upsample';

/** Adds the nodes that repeat an operand, through `emit`. */
export function repeated<V>(x: V, { t, f, c }: Repeat, emit: <K extends Spread>(op: K, x: V, attrs: OpAttrs[K]) => V): V {
  const ones: ConvAttrs = {
    ...kernelOfOne,
    groups: 1,
    outChannels: c,
    weights: { data: new Float32Array(c).fill(1) },
    bias: null,
    clamp: noClamp,
  };
  const wide = c > 1 ? emit('conv', x, ones) : x;
  return t > 1 || f > 1 ? emit('upsample', wide, { t, f, between: 'repeat' }) : wide;
}

const same = (a: Layout[number], b: Layout[number]): boolean =>
  a.length === b.length && a.every((factor, i) => factor.axis === b[i]?.axis && factor.length === b[i]?.length);

/** Raises a layout to `rank` dimensions, without factors of length 1. */
const plain = (layout: Layout, rank: number): Layout =>
  raised(
    layout.map((dim) => dim.filter(({ length }) => length > 1)),
    rank,
  );

/** Returns the axes of `whole` that `operand` lacks, as repeats; undefined if it has only a part of one. */
function lacking(operand: Layout, whole: Layout): Repeat | undefined {
  const has = new Set(operand.flat().map(({ axis }) => axis));
  const factors = whole.flatMap((dim, d) => (operand[d]?.length === 0 ? dim : []));
  const of = (axis: Axis) => factors.reduce((n, factor) => (factor.axis === axis ? n * factor.length : n), 1);
  if (factors.some(({ axis }) => has.has(axis))) return undefined;
  return { t: of('t'), f: of('f'), c: of('c') };
}

/** Returns the common layout and repeats; undefined if the layouts do not fit. */
export function commonOf(first: Layout, second: Layout): Common | undefined {
  const rank = Math.max(first.length, second.length);
  const [a, b] = [plain(first, rank), plain(second, rank)];
  const layout: Layout = a.map((dim, d) => (dim.length > 0 ? dim : (b[d] ?? [])));
  if (!layout.every((dim, d) => [a[d], b[d]].every((part = []) => part.length === 0 || same(part, dim)))) return undefined;
  const [left, right] = [lacking(a, layout), lacking(b, layout)];
  if (!left || !right) return undefined;
  const orNone = (one: Repeat) => (one.t * one.f * one.c > 1 ? one : undefined);
  return { layout, repeats: [orNone(left), orNone(right)] };
}
