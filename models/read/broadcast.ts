/**
 * Two operands of one operator, of which one lacks rows that the other has.
 *
 * In: their layouts.  Out: the common layout, and how often the rows and channels of each have to stand
 * there. A value of the whole window that meets its rows (squeeze and excite) is such an operand: its row is
 * repeated, and what follows is computed at every output. One channel that meets many is a convolution with
 * ones.
 */
import { type Axis, type ConvAttrs, kernelOfOne, noClamp, type OpAttrs } from '../graph/types.ts';
import { type Layout, raised } from './layout.ts';

export interface Common {
  layout: Layout;
  /** Of the first operand and of the second; undefined where it is whole. */
  repeats: [Repeat | undefined, Repeat | undefined];
}

/** How often each row of time and of features, and the one channel, stand there. */
export interface Repeat {
  t: number;
  f: number;
  c: number;
}

type Spread = 'conv' | 'upsample';

/** The nodes that repeat an operand, by `emit`. */
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

/** In so many dimensions, factors of 1 left out. */
const plain = (layout: Layout, rank: number): Layout =>
  raised(
    layout.map((dim) => dim.filter(({ length }) => length > 1)),
    rank,
  );

/**
 * What `own` lacks of `whole`: rows of time or of features, or channels, of which it has none; undefined
 * where it has a part of them.
 */
function lacking(own: Layout, whole: Layout): Repeat | undefined {
  const has = new Set(own.flat().map(({ axis }) => axis));
  const factors = whole.flatMap((dim, d) => (own[d]?.length === 0 ? dim : []));
  const of = (axis: Axis) => factors.reduce((n, factor) => (factor.axis === axis ? n * factor.length : n), 1);
  if (factors.some(({ axis }) => has.has(axis))) return undefined;
  return { t: of('t'), f: of('f'), c: of('c') };
}

/** Undefined where one cannot be brought to the other. */
export function commonOf(first: Layout, second: Layout): Common | undefined {
  const rank = Math.max(first.length, second.length);
  const [a, b] = [plain(first, rank), plain(second, rank)];
  const layout: Layout = a.map((dim, d) => (dim.length > 0 ? dim : (b[d] ?? [])));
  if (!layout.every((dim, d) => [a[d], b[d]].every((own = []) => own.length === 0 || same(own, dim)))) return undefined;
  const [left, right] = [lacking(a, layout), lacking(b, layout)];
  if (!left || !right) return undefined;
  const orNone = (one: Repeat) => (one.t * one.f * one.c > 1 ? one : undefined);
  return { layout, repeats: [orNone(left), orNone(right)] };
}
