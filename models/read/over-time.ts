/**
 * Softmax over time and sums of rows with such weights (attentive pooling, attentive statistics), and layers
 * that are fully connected along time.
 *
 * In: scores [t][1][heads].  Out: weights [1][heads][t]. A product of ones and the scores turns their rows
 * into channels, over which a softmax runs; the sum over time of weights times rows is the product of both
 * (products.ts, over rows). It is computed on whole windows. In int8 the weights have steps of 1/256.
 * Source: Okabe et al., Attentive Statistics Pooling (2018).
 */
import { type Axis, type Clamp, type DenseAttrs, kernelOfOne, noClamp, type QuantParams, type Shape } from '../graph/types.ts';
import { repeated } from './broadcast.ts';
import { dim, type Factor, type Layout, raised } from './layout.ts';
import type { Laid, Maker } from './rows.ts';

/** A product of rows and their weights over time. */
export interface Weighted {
  rows: Laid;
  weights: number;
  heads: number;
}

const renamed = (layout: Layout, to: (axis: Axis, length: number) => Factor): Layout =>
  layout.map((factors) => factors.map(({ axis, length }) => to(axis, length)));

/** Adds a softmax over all rows of scores that have one feature row. */
export function softmaxOfRows({ builder, add }: Maker, { tensor, layout }: Laid, name: string): Laid {
  const { t, c } = builder.shape(tensor);
  const row = add('history', [tensor], { before: 1 - t, after: 0 }, `${name}/row`);
  const ones = add('activation', [row], { fn: 'identity', clamp: [1, 1] }, `${name}/ones`);
  const turned = add('matmul', [ones, tensor], { heads: c, over: 'channels' }, `${name}/turned`);
  builder.notes.push(`${name}: a softmax over ${t} frames, whose weights have steps of 1/256 in int8`);
  const turnedLayout = renamed(layout, (axis, length) => ({ axis: axis === 't' ? 'c' : 'f', length }));
  return { tensor: add('softmax', [turned], { beta: 1 }, name), layout: turnedLayout };
}

const exchanged = { t: 'c', c: 't', f: 'f' } as const;

/** Returns scores of queries by keys for those of keys by queries; their softmax is over channels then. */
export function turnedScores({ builder, add }: Maker, { tensor, layout }: Laid, name: string): Laid | undefined {
  const made = builder.nodes.findLast(({ output }) => output === tensor);
  if (made?.op !== 'matmul' || made.attrs.over !== 'channels') return undefined;
  const { quant } = builder.tensors[tensor] ?? {};
  const turned = add('matmul', made.inputs.toReversed(), made.attrs, `${name}/turned`, quant);
  return { tensor: turned, layout: renamed(layout, (axis, length) => ({ axis: exchanged[axis], length })) };
}

/** Returns the factors of one axis in each dimension, as text. */
const along = (layout: Layout, axis: string): string =>
  layout.map((factors) => factors.flatMap((one) => (one.axis === axis ? [one.length] : [])).join()).join(';');

/** Checks whether weights have the same layout as their rows, in each dimension that the weights have. */
const liesAs = (weights: Layout, rows: Layout): boolean =>
  renamed(weights, (axis, length) => ({ axis: axis === 'c' ? 't' : 'c', length })).every(
    (factors, d) => factors.length === 0 || JSON.stringify(factors) === JSON.stringify(rows[d]),
  );

/** Returns a repeated row as the single row; the operator that reads it repeats it again. */
function unrepeated({ builder }: Maker, x: Laid): Laid {
  const made = builder.nodes.findLast(({ output }) => output === x.tensor);
  const [from] = made?.inputs ?? [];
  if (made?.op !== 'upsample' || made.attrs.between !== 'repeat' || made.attrs.f !== 1 || from === undefined) return x;
  if (builder.shape(from).t !== 1) return x;
  return { tensor: from, layout: x.layout.map((factors) => factors.filter(({ axis }) => axis !== 't')) };
}

/** Returns a product of two tensors if one of them holds weights over time; else undefined. */
export function weighted(maker: Maker, first: Laid, second: Laid): Weighted | undefined {
  return weightedBy(maker, first, second) ?? weightedBy(maker, second, first);
}

function weightedBy(maker: Maker, given: Laid, x: Laid): Weighted | undefined {
  const w = unrepeated(maker, given);
  const rank = Math.max(w.layout.length, x.layout.length);
  const [a, b] = [raised(w.layout, rank), raised(x.layout, rank)];
  const [{ t, f, c }, rows] = [maker.builder.shape(w.tensor), maker.builder.shape(x.tensor)];
  if (t !== 1 || c === 1 || c !== rows.t) return undefined;
  const sameTime = along(a, 'c') === along(b, 't');
  const sameHeads = f === 1 || (rows.f === 1 && along(a, 'f') === along(b, 'c'));
  return sameTime && sameHeads && liesAs(a, b)
    ? { rows: { tensor: x.tensor, layout: b }, weights: w.tensor, heads: f }
    : undefined;
}

/** Adds the sum over the dimensions `dims`; undefined if they hold anything but time. */
export function weightedSum(
  { builder, add }: Maker,
  { rows: x, weights, heads }: Weighted,
  dims: readonly number[],
  keep: boolean,
  name: string,
): Laid | undefined {
  const over = dims.flatMap((d) => x.layout[d] ?? []);
  if (!isWindow(over, builder.shape(x.tensor))) return undefined;
  const tensor = add('matmul', [weights, x.tensor], { heads, over: 'rows' }, name);
  const layout = keep
    ? x.layout.map((factors, d) => (dims.includes(d) ? [] : factors))
    : x.layout.filter((_, d) => !dims.includes(d));
  return { tensor, layout };
}

/** Adds the weights as rows [t][1][heads], in the layout of the rows that they multiply. */
export function weightsAsRows({ builder, add }: Maker, { rows, weights, heads }: Weighted, name: string): Laid {
  const { t } = builder.shape(rows.tensor);
  const quant = builder.tensors[weights]?.quant;
  const tensor = add('permute', [weights], { order: ['t', 'c', 'f'], t, f: 1 }, `${name}/turned`, quant);
  const isOwn = (axis: Axis) => axis === 't' || (axis === 'c' && heads > 1);
  return { tensor, layout: rows.layout.map((factors) => factors.filter(({ axis }) => isOwn(axis))) };
}

/** Adds the product itself, for a reader other than a sum. */
export function weightedRows(maker: Maker, found: Weighted, name: string): Laid {
  const { rows, heads } = found;
  const { builder, add } = maker;
  const { f, c } = builder.shape(rows.tensor);
  const turned = weightsAsRows(maker, found, name).tensor;
  const each = { t: 1, f: heads === 1 ? f : 1, c: heads === 1 ? c : 1 };
  const wide = repeated(turned, each, (op, of, attrs) => add(op, [of], attrs, `${name}/repeated`));
  return { tensor: add('mul', [rows.tensor, wide], { clamp: noClamp }, name), layout: rows.layout };
}

/** Checks whether a dimension holds the frames of the window and nothing else. */
export const isWindow = (factors: readonly Factor[], { t }: Shape): boolean =>
  t > 1 && factors.length === 1 && factors[0]?.axis === 't' && factors[0].length === t;

/**
 * Adds y[c][u] = sum over t of x[t][c] w[u][t] + b[u]: each channel becomes a feature row, and a convolution
 * covers all frames. Returns the reason as text if this is not possible.
 * @param weights [units][t]
 */
export function linearOverTime(
  { builder, add }: Maker,
  x: Laid,
  { weights, bias, units, clamp = noClamp }: Omit<DenseAttrs, 'clamp'> & { clamp?: Clamp },
  name: string,
  quant?: QuantParams,
): Laid | string {
  const { t, f, c } = builder.shape(x.tensor);
  if (f > 1 && c > 1) return `it is fully connected along time, for each of ${f} feature rows of ${c} channels`;
  const rows = c === 1 ? x.tensor : add('regroup', [x.tensor], { f: c }, `${name}/rows`, builder.tensors[x.tensor]?.quant);
  const attrs = { ...kernelOfOne, kernelT: t, groups: 1, outChannels: units, weights, bias, clamp };
  const layout = renamed(x.layout, (axis, length) => (axis === 't' ? { axis: 'c', length: units } : { axis: 'f', length }));
  return { tensor: add('conv', [rows], attrs, name, quant), layout };
}

/**
 * Replaces rows by sums of all rows of the window: y[u][c] = sum over t of x[t][c] w[u][t]. Returns the
 * reason as text if this is not possible.
 * @param weights [rows][t]
 */
export function mixedRows(maker: Maker, x: Laid, weights: Float32Array, rows: number, name: string): Laid | string {
  const { f } = maker.builder.shape(x.tensor);
  const mixed = linearOverTime(maker, x, { weights: { data: weights }, bias: null, units: rows }, `${name}/mixed`);
  if (typeof mixed === 'string') return mixed;
  const tensor = maker.add('permute', [mixed.tensor], { order: ['t', 'c', 'f'], t: rows, f }, name);
  return { tensor, layout: x.layout.map((factors) => (factors.some(({ axis }) => axis === 't') ? dim('t', rows) : factors)) };
}
