/**
 * Softmax over time, and sums of rows with such weights: attentive pooling and attentive statistics; layers
 * that are fully connected along time.
 *
 * In: scores [t][1][heads].  Out: weights [1][heads][t], by a product of ones and the scores, in which
 * their rows become channels, and a softmax; a sum over time of weights times rows is the product of both
 * (models/read/products.ts, over rows). It is computed on whole windows. In int8 the weights have steps of
 * 1/256.  Source: Okabe et al., Attentive Statistics Pooling (2018).
 */
import { kernelOfOne, noClamp, type Shape, type Weights } from '../../../graph/types.ts';
import { type Factor, type Layout, raised, showLayout } from '../../layout.ts';
import { framesOf, softmaxOverTime } from '../../refused.ts';
import type { Lowering, NodeView } from '../context.ts';
import { refuse } from '../refuse.ts';
import { type Activation, type Weighted, wholeAxis } from '../values.ts';

/** Of scores whose dimension `at` holds time. */
export function softmaxOfRows(ctx: Lowering, { name }: NodeView, x: Activation, at: number): Activation {
  const { t, f, c } = ctx.builder.shape(x.tensor);
  if (ctx.quantised || f > 1) refuse(softmaxOverTime(framesOf(x.layout)));
  wholeAxis(x.layout, at, 't');
  const row = ctx.emit('history', [x.tensor], { before: 1 - t, after: 0 }, `${name}/row`);
  const ones = ctx.emit('activation', [row], { fn: 'identity', clamp: [1, 1] }, `${name}/ones`);
  const turned = ctx.emit('matmul', [ones, x.tensor], { heads: c, over: 'channels' }, `${name}/turned`);
  ctx.builder.notes.push(`${name}: a softmax over ${t} frames, whose weights have steps of 1/256 in int8`);
  const layout = x.layout.map((factors) =>
    factors.map(({ axis, length }) => ({ axis: axis === 't' ? 'c' : 'f', length }) as const),
  );
  return ctx.activationOf(ctx.emit('softmax', [turned], { beta: 1 }, name), layout);
}

/** What each dimension has of an axis. */
const along = (layout: Layout, axis: string): string =>
  layout.map((factors) => factors.flatMap((one) => (one.axis === axis ? [one.length] : [])).join()).join(';');

/** A row that was repeated, as the row: what meets it repeats it again. */
function unrepeated(ctx: Lowering, x: Activation): Activation {
  const made = ctx.builder.nodes.findLast(({ output }) => output === x.tensor);
  const [from] = made?.inputs ?? [];
  if (made?.op !== 'upsample' || made.attrs.between !== 'repeat' || made.attrs.f !== 1 || from === undefined) return x;
  if (ctx.builder.shape(from).t !== 1) return x;
  return ctx.activationOf(from, x.layout.map((factors) => factors.filter(({ axis }) => axis !== 't'))); // biome-ignore format: one line
}

/**
 * Rows times weights over time, for the sum that reads them; undefined where the operands are no such pair.
 */
export function weighted(ctx: Lowering, given: Activation, x: Activation): Weighted | undefined {
  const w = unrepeated(ctx, given);
  const rank = Math.max(w.layout.length, x.layout.length);
  const [a, b] = [raised(w.layout, rank), raised(x.layout, rank)];
  const [{ t, f, c }, rows] = [ctx.builder.shape(w.tensor), ctx.builder.shape(x.tensor)];
  if (t !== 1 || c === 1 || c !== rows.t) return undefined;
  const sameTime = along(a, 'c') === along(b, 't');
  const sameHeads = f === 1 || (rows.f === 1 && along(a, 'f') === along(b, 'c'));
  return sameTime && sameHeads ? { kind: 'weighted', rows: { ...x, layout: b }, weights: w.tensor, heads: f } : undefined;
}

/** The sum over dimensions `dims` of rows times weights. */
export function weightedSum(
  ctx: Lowering,
  { name }: NodeView,
  { rows: x, weights, heads }: Weighted,
  dims: readonly number[],
  keep: boolean,
): Activation {
  const over = dims.flatMap((d) => x.layout[d] ?? []);
  if (over.length !== 1 || over[0]?.axis !== 't' || over[0].length !== ctx.builder.shape(x.tensor).t)
    refuse(`rows times weights over time are summed over other dimensions of ${showLayout(x.layout)}`);
  const tensor = ctx.emit('matmul', [weights, x.tensor], { heads, over: 'rows' }, name);
  const layout = keep
    ? x.layout.map((factors, d) => (dims.includes(d) ? [] : factors))
    : x.layout.filter((_, d) => !dims.includes(d));
  return ctx.activationOf(tensor, layout);
}

/** Whether a dimension holds the frames of the window and nothing else. */
export const isWindow = (factors: readonly Factor[], { t }: Shape): boolean =>
  t > 1 && factors.length === 1 && factors[0]?.axis === 't' && factors[0].length === t;

/**
 * y[c][u] = sum over t of x[t][c] w[u][t] + b[u]: each channel by itself, as a feature row, by a
 * convolution of all frames.
 * @param weights [units][t]
 */
export function linearOverTime(
  ctx: Lowering,
  { name }: NodeView,
  x: Activation,
  { weights, bias, units }: { weights: Weights; bias: Float32Array | Int32Array | null; units: number },
): Activation {
  const { t, f, c } = ctx.builder.shape(x.tensor);
  if (f > 1 && c > 1) refuse(`it is fully connected along time, for each of ${f} feature rows of ${c} channels`);
  const rows = c === 1 ? x.tensor : ctx.emit('regroup', [x.tensor], { f: c }, `${name}/rows`);
  const attrs = { ...kernelOfOne, kernelT: t, groups: 1, outChannels: units, weights, bias, clamp: noClamp };
  const layout = x.layout.map((factors) =>
    factors.map(({ axis, length }) =>
      axis === 't' ? ({ axis: 'c', length: units } as const) : ({ axis: 'f', length } as const),
    ),
  );
  return ctx.activationOf(ctx.emit('conv', [rows], attrs, name), layout);
}
