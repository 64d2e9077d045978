/**
 * Form: a value of a file in terms of a tensor x, as far as layer normalisation needs it.
 *
 * Every spelling of (x - mean) / sqrt(variance + epsilon) * gamma + beta is a sum of six terms with constant
 * factors: x, its mean m, i = 1 / sqrt(variance + epsilon), x i, m i, and 1. A sum of two such sums, their
 * product with a constant, and the product of x, m and 1 with i are such sums again. So Keras' x (gamma i) +
 * (beta - m (gamma i)) and PyTorch's ((x - m) / root) gamma + beta get the same form.
 * Cost: a few operations per node; factors are shared, and copied only when two of them are combined.
 */

export type Id = string | number;

/** A constant of the file; [] is a scalar. */
export interface Constant {
  dims: readonly number[];
  data: ArrayLike<number>;
}

export type Term = 'x' | 'm' | 'i' | 'xi' | 'mi' | '1';

/** The statistics that a form depends on; a field is absent if the form does not depend on it. */
export interface Statistic {
  base: Id;
  axes?: string;
  centred?: boolean;
  epsilon?: number;
}

export type Form =
  | (Statistic & { kind: 'sum'; terms: ReadonlyMap<Term, Constant> })
  /** The square of x, of d = x - m, or of m. */
  | (Statistic & { kind: 'square'; of: 'x' | 'd' | 'm' })
  /** The mean of a square, plus epsilon if it is set. */
  | (Statistic & { kind: 'variance' })
  | (Statistic & { kind: 'root' });

const scalar = (value: number): Constant => ({ dims: [], data: [value] });
export const one = scalar(1);

export const sumOf = (statistic: Statistic, ...terms: [Term, Constant][]): Form => ({
  ...statistic,
  kind: 'sum',
  terms: new Map(terms),
});

/** Applies f elementwise to constants of one shape, or to a scalar and a constant; undefined for others. */
function each(a: Constant, b: Constant, f: (p: number, q: number) => number): Constant | undefined {
  const [p, q] = [a.data.length, b.data.length];
  if (p !== 1 && q !== 1 && a.dims.join() !== b.dims.join()) return undefined;
  const { dims } = p >= q && a.dims.length >= b.dims.length ? a : q === 1 ? a : b;
  const data = Float64Array.from({ length: Math.max(p, q) }, (_, i) => f(a.data[i % p] as number, b.data[i % q] as number));
  return { dims, data };
}

const isOne = ({ data }: Constant): boolean => data.length === 1 && data[0] === 1;
const times = (a: Constant, b: Constant): Constant | undefined => (isOne(a) ? b : isOne(b) ? a : each(a, b, (p, q) => p * q));
export const inverseOf = (a: Constant): Constant => ({ dims: a.dims, data: Float64Array.from(a.data, (v) => 1 / v) });

/** Merges two statistics; undefined if they contradict each other. */
function agreed(a: Statistic, b: Statistic): Statistic | undefined {
  for (const key of ['base', 'axes', 'centred', 'epsilon'] as const)
    if (a[key] !== undefined && b[key] !== undefined && a[key] !== b[key]) return undefined;
  const { base, axes = b.axes, centred = b.centred, epsilon = b.epsilon } = a;
  return {
    base,
    ...(axes !== undefined && { axes }),
    ...(centred !== undefined && { centred }),
    ...(epsilon !== undefined && { epsilon }),
  };
}

export function scaled(form: Form, factor: Constant): Form | undefined {
  if (form.kind !== 'sum') return undefined;
  const terms = new Map<Term, Constant>();
  for (const [term, value] of form.terms) {
    const product = times(value, factor);
    if (!product) return undefined;
    terms.set(term, product);
  }
  return { ...form, terms };
}

/** Returns a + sign * b. */
export function added(a: Form, b: Form, sign: 1 | -1): Form | undefined {
  const statistic = agreed(a, b);
  if (!statistic) return undefined;
  // E[x^2] - m^2 is the variance
  if (a.kind === 'variance' && b.kind === 'square')
    return b.of === 'm' && sign === -1 && a.centred === false && a.epsilon === undefined
      ? { ...statistic, centred: true, kind: 'variance' }
      : undefined;
  if (a.kind !== 'sum' || b.kind !== 'sum') return undefined;
  const terms = new Map(a.terms);
  for (const [term, value] of b.terms) {
    const before = terms.get(term);
    const sum = each(before ?? scalar(0), value, (p, q) => p + sign * q);
    if (!sum) return undefined;
    terms.set(term, sum);
  }
  return { ...statistic, kind: 'sum', terms };
}

/** Returns a + constant. */
export function offset(a: Form, constant: Constant): Form | undefined {
  if (a.kind === 'variance') {
    const [epsilon = -1] = constant.data.length === 1 ? [constant.data[0]] : [];
    return a.epsilon === undefined && epsilon >= 0 ? { ...a, epsilon } : undefined;
  }
  return a.kind === 'sum' ? added(a, sumOf({ base: a.base }, ['1', constant]), 1) : undefined;
}

const products: Partial<Record<Term, Term>> = { x: 'xi', m: 'mi', '1': 'i' };

/** Returns the product of a sum without i and a sum of i only. */
export function multiplied(a: Form, b: Form): Form | undefined {
  if (a.kind !== 'sum' || b.kind !== 'sum') return undefined;
  const [factor, sum] = a.terms.has('i') && a.terms.size === 1 ? [a, b] : [b, a];
  const [by, ...others] = factor.terms;
  const statistic = agreed(a, b);
  if (!statistic || by?.[0] !== 'i' || others.length > 0) return undefined;
  const terms = new Map<Term, Constant>();
  for (const [term, value] of sum.terms) {
    const [to, product] = [products[term], times(value, by[1])];
    if (!to || !product) return undefined;
    terms.set(to, product);
  }
  return { ...statistic, kind: 'sum', terms };
}

/** Returns the square of x, x - m or m. */
export function squared(a: Form): Form | undefined {
  if (a.kind !== 'sum') return undefined;
  const sign = (term: Term) => {
    const { data } = a.terms.get(term) ?? scalar(0);
    return data.length === 1 && Math.abs(data[0] as number) <= 1 ? (data[0] as number) : Number.NaN;
  };
  const [x, m] = [sign('x'), sign('m')];
  const known = a.terms.size === Number(a.terms.has('x')) + Number(a.terms.has('m'));
  if (!known || Math.abs(x) + Math.abs(m) !== 1 + Number(x === -m)) return undefined;
  const { terms: _, ...statistic } = a;
  return { ...statistic, kind: 'square', of: x === 0 ? 'm' : m === 0 ? 'x' : 'd' };
}

/** Returns the mean of a square of x or x - m. */
export function meanOf(a: Form, axes: string): Form | undefined {
  if (a.kind !== 'square' || a.of === 'm' || (a.axes ?? axes) !== axes) return undefined;
  return { base: a.base, axes, centred: a.of === 'd', kind: 'variance' };
}

/** Returns 1 / sqrt(variance), from the variance or from its root. */
export function reciprocal(a: Form, of: 'variance' | 'root'): Form | undefined {
  if (a.kind !== of) return undefined;
  const { kind: _, ...statistic } = a;
  return sumOf({ ...statistic, epsilon: a.epsilon ?? 0 }, ['i', one]);
}

/** Returns gamma and beta if the form is a complete layer normalisation of its base. */
export function affineOf(a: Form): { gamma: Constant; beta: Constant } | undefined {
  if (a.kind !== 'sum' || a.axes === undefined || a.epsilon === undefined) return undefined;
  const gamma = a.terms.get('xi');
  const mean = a.terms.get('mi');
  if (!gamma || [...a.terms.keys()].some((term) => !['xi', 'mi', '1'].includes(term))) return undefined;
  const zeros = (c: Constant | undefined) => c !== undefined && Array.from(c.data).every((v) => v === 0);
  if (a.centred) {
    const rest = mean && each(gamma, mean, (p, q) => p + q);
    if (!zeros(rest)) return undefined;
  } else if (mean && !zeros(mean)) return undefined;
  return { gamma, beta: a.terms.get('1') ?? scalar(0) };
}
