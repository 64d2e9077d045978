/**
 * Two operands of one operator, of which one lacks rows that the other has.
 *
 * In: their layouts.  Out: the common layout, and how often the rows of each have to stand there. A value
 * of the whole window that meets its rows (squeeze and excite) is such an operand: its row is repeated, and
 * what follows is computed at every output.
 */
import type { UpsampleAttrs } from '../graph/types.ts';
import type { Layout } from './layout.ts';

export interface Common {
  layout: Layout;
  /** Of the first operand and of the second; undefined where it is whole. */
  repeats: [UpsampleAttrs | undefined, UpsampleAttrs | undefined];
}

const same = (a: Layout[number], b: Layout[number]): boolean =>
  a.length === b.length && a.every((factor, i) => factor.axis === b[i]?.axis && factor.length === b[i]?.length);

/** In so many dimensions, factors of 1 left out. */
const raised = (layout: Layout, rank: number): Layout => [
  ...new Array(rank - layout.length).fill([]),
  ...layout.map((dim) => dim.filter(({ length }) => length > 1)),
];

/**
 * What `own` lacks of `whole`: rows of time or of features, of which it has none; undefined where it lacks
 * something else.
 */
function lacking(own: Layout, whole: Layout): UpsampleAttrs | undefined {
  const has = new Set(own.flat().map(({ axis }) => axis));
  const factors = whole.flatMap((dim, d) => (own[d]?.length === 0 ? dim : []));
  const of = (axis: 't' | 'f') => factors.reduce((n, factor) => (factor.axis === axis ? n * factor.length : n), 1);
  if (factors.some(({ axis }) => axis === 'c' || has.has(axis))) return undefined;
  return { t: of('t'), f: of('f'), between: 'repeat' };
}

/** Undefined where one cannot be brought to the other. */
export function commonOf(first: Layout, second: Layout): Common | undefined {
  const rank = Math.max(first.length, second.length);
  const [a, b] = [raised(first, rank), raised(second, rank)];
  const layout: Layout = a.map((dim, d) => (dim.length > 0 ? dim : (b[d] ?? [])));
  if (!layout.every((dim, d) => [a[d], b[d]].every((own = []) => own.length === 0 || same(own, dim)))) return undefined;
  const [left, right] = [lacking(a, layout), lacking(b, layout)];
  if (!left || !right) return undefined;
  const orNone = (one: UpsampleAttrs) => (one.t > 1 || one.f > 1 ? one : undefined);
  return { layout, repeats: [orNone(left), orNone(right)] };
}
