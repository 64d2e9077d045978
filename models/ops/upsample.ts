/**
 * upsample: repeats rows of time and of features, or inserts zeros between them. No arithmetic.
 *
 * In: [t][f][c].  Out: with `repeat` [t * attrs.t][f * attrs.f][c]; with `zero`
 * [(t - 1) * attrs.t + 1][(f - 1) * attrs.f + 1][c]. Streaming: row by row where only features repeat,
 * else by windows.
 * Source: ONNX Resize (nearest), Expand. A transposed convolution is `zero` followed by a convolution of
 * stride 1; squeeze and excite repeats a value of the whole window for its rows.
 */
import type { Ints, Shape, UpsampleAttrs } from '../graph/types.ts';
import { type OpDef, pointwise } from './op.ts';
import { only } from './sliding.ts';

const lengthOf = (n: number, factor: number, { between }: UpsampleAttrs): number =>
  between === 'zero' ? (n - 1) * factor + 1 : n * factor;

/** Returns the input row that is copied to row i; -1: zero. */
const rowAt = (i: number, factor: number, { between }: UpsampleAttrs): number =>
  between === 'repeat' || i % factor === 0 ? Math.floor(i / factor) : -1;

/** Copies rows to `y`, which is filled with the zero value. It works for any number type. */
export function spreadRows<A extends Float32Array | Ints>(
  y: A,
  x: { data: A; shape: Shape },
  attrs: UpsampleAttrs,
  out: Shape,
): A {
  const { f, c } = x.shape;
  for (let i = 0; i < out.t; i++)
    for (let j = 0; j < out.f; j++) {
      const [t, row] = [rowAt(i, attrs.t, attrs), rowAt(j, attrs.f, attrs)];
      const from = (t * f + row) * c;
      if (t >= 0 && row >= 0) y.set(x.data.subarray(from, from + c), (i * out.f + j) * c);
    }
  return y;
}

export const upsample: OpDef<'upsample'> = {
  name: 'upsample',
  shape(inputs, attrs, name) {
    const { t, f, c } = only(inputs, name);
    return { t: lengthOf(t, attrs.t, attrs), f: lengthOf(f, attrs.f, attrs), c };
  },
  float: (xs, attrs, out) => spreadRows(new Float32Array(out.t * out.f * out.c), only(xs, 'upsample'), attrs, out),
  stream: ({ t }) => (t === 1 ? pointwise : { kind: 'whole' }),
  repeats: ({ t, between }) => (between === 'repeat' ? t : 1),
  passesScale: () => true,
  means: ({ between }, [x]) => (between === 'repeat' ? x : undefined),
};
