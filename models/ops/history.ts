/**
 * history: the rows of a tensor together with earlier ones, or earlier ones alone; with `own`, with
 * padding; no arithmetic.
 *
 * In: [t][f][c].  Out: [t + before + after][f][c]; y[i] = x[i - before], zero (in int8 the zero point) where
 * there is no such row. `after` may be negative: before = d, after = -d is a delay of d rows. With `own` the
 * rows that are not there are a window's padding: zero, or rows of the window. Source: READ_VARIABLE,
 * CONCATENATION, ASSIGN_VARIABLE of streaming TensorFlow Lite models; ONNX Pad, MIRROR_PAD. Streaming: a
 * sliding window of one row; what lies before the signal is the state's initial value. With `own` by windows.
 */
import type { HistoryAttrs, Ints, Shape } from '../graph/types.ts';
import { misfit, type OpDef } from './op.ts';
import { only, showShape } from './sliding.ts';

/** The row of `t` rows that padding holds at place i; -1: zero. */
export function paddedRow(i: number, t: number, own: HistoryAttrs['own']): number {
  if (i >= 0 && i < t) return i;
  if (own === undefined || own === 'zero') return -1;
  if (own === 'edge') return i < 0 ? 0 : t - 1;
  // between the outermost row and its image lie two steps, or one
  const apart = own === 'reflect' ? 0 : 1;
  return i < 0 ? -i - apart : 2 * t - 2 + apart - i;
}

/** Fills `y`, which holds `zero` everywhere, with the rows that exist; for any number type. */
export function shiftRows<A extends Float32Array | Ints>(
  y: A,
  x: { data: A; shape: Shape },
  { before, own }: Pick<HistoryAttrs, 'before' | 'own'>,
): A {
  const row = x.shape.f * x.shape.c;
  for (let i = 0; i < y.length / row; i++) {
    const from = paddedRow(i - before, x.shape.t, own);
    if (from >= 0) y.set(x.data.subarray(from * row, (from + 1) * row), i * row);
  }
  return y;
}

export const history: OpDef<'history'> = {
  name: 'history',
  shape(inputs, { before, after, own }, name) {
    const x = only(inputs, name);
    const t = x.t + before + after;
    const most = own === 'reflect' ? x.t - 1 : own === 'symmetric' ? x.t : Number.POSITIVE_INFINITY;
    if (before > most || after > most)
      throw misfit(name, `${before} and ${after} rows mirror ${showShape(x)}`, 'there are fewer');
    if (t >= 1) return { ...x, t };
    throw misfit(name, `no row is left of ${showShape(x)}`, `${before} rows are added before and ${after} after`);
  },
  float: (xs, attrs, out) => shiftRows(new Float32Array(out.t * out.f * out.c), only(xs, 'history'), attrs),
  stream: ({ before, after, own }) =>
    own ? { kind: 'whole' } : { kind: 'window', kernel: 1, stride: 1, dilation: 1, pad: [before, after], padWith: 'zero' },
  passesScale: () => true,
  means: (_attrs, [x]) => x,
};
