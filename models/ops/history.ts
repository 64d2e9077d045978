/**
 * history: the rows of a tensor together with earlier ones, or earlier ones alone; no arithmetic.
 *
 * In: [t][f][c].  Out: [t + before + after][f][c]; y[i] = x[i - before], zero (in int8 the zero point) where there is no such row.
 * `after` may be negative: before = d, after = -d is a delay of d rows. Source: READ_VARIABLE, CONCATENATION, ASSIGN_VARIABLE of streaming
 * TensorFlow Lite models. Streaming: a sliding window of one row; what lies before the signal is the state's initial value.
 */
import type { Ints, Shape } from '../graph/types.ts';
import { misfit, type OpDef } from './op.ts';
import { only, showShape } from './sliding.ts';

/** Fills `y`, which holds `zero` everywhere, with the rows that exist; for any number type. */
export function shiftRows<A extends Float32Array | Ints>(y: A, x: { data: A; shape: Shape }, before: number): A {
  const row = x.shape.f * x.shape.c;
  const rows = y.length / row;
  const from = Math.max(0, -before);
  const to = Math.min(x.shape.t, rows - before);
  if (to > from) y.set(x.data.subarray(from * row, to * row), (from + before) * row);
  return y;
}

export const history: OpDef<'history'> = {
  name: 'history',
  shape(inputs, attrs, name) {
    const x = only(inputs, name);
    const t = x.t + attrs.before + attrs.after;
    if (t >= 1) return { ...x, t };
    throw misfit(name, `no row is left of ${showShape(x)}`, `${attrs.before} rows are added before and ${attrs.after} after`);
  },
  float: (xs, attrs, out) => shiftRows(new Float32Array(out.t * out.f * out.c), only(xs, 'history'), attrs.before),
  stream: (a) => ({ kind: 'window', kernel: 1, stride: 1, dilation: 1, pad: [a.before, a.after], padWith: 'zero' }),
  passesScale: () => true,
  means: (_attrs, [x]) => x,
};
