/**
 * history: adds earlier rows before the rows of a tensor, or delays them; with `own` it adds padding. No
 * arithmetic.
 *
 * In: [t][f][c].  Out: [t + before + after][f][c]; y[i] = x[i - before], or zero (in int8 the zero point) if
 * there is no such row. `after` may be negative: before = d, after = -d is a delay of d rows. With `own`
 * missing rows are padding of the window: zero, or rows of the window. Source: READ_VARIABLE, CONCATENATION,
 * ASSIGN_VARIABLE of streaming TensorFlow Lite models; ONNX Pad, MIRROR_PAD. Streaming: a sliding window of
 * one row; before the signal starts, rows have the state's initial value. With `own` by windows.
 */
import type { HistoryAttrs, Ints, Shape } from '../graph/types.ts';
import { misfit, type OpDef } from './op.ts';
import { only, showShape } from './sliding.ts';

/** Returns the row (of `t`) that is copied to row i, where rows outside 0..t-1 are padding; -1: zero. */
function paddedRow(i: number, t: number, own: HistoryAttrs['own']): number {
  if (i >= 0 && i < t) return i;
  if (own === undefined || own === 'zero') return -1;
  if (own === 'edge') return i < 0 ? 0 : t - 1;
  // `symmetric` repeats the outermost row, `reflect` does not
  const apart = own === 'reflect' ? 0 : 1;
  return i < 0 ? -i - apart : 2 * t - 2 + apart - i;
}

/** Copies the rows that exist to `y`, which is filled with the zero value. It works for any number type. */
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
    const limit = own === 'reflect' ? x.t - 1 : own === 'symmetric' ? x.t : Number.POSITIVE_INFINITY;
    if (before > limit || after > limit)
      throw misfit(name, `padding of ${before} and ${after} rows mirrors ${showShape(x)}`, 'the input has fewer rows');
    if (t >= 1) return { ...x, t };
    throw misfit(name, `no row is left of ${showShape(x)}`, `${before} rows are added before and ${after} after`);
  },
  float: (xs, attrs, out) => shiftRows(new Float32Array(out.t * out.f * out.c), only(xs, 'history'), attrs),
  stream: ({ before, after, own }) =>
    own ? { kind: 'whole' } : { kind: 'window', kernel: 1, stride: 1, dilation: 1, pad: [before, after], padWith: 'zero' },
  passesScale: () => true,
  means: (_attrs, [x]) => x,
};
