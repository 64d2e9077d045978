/**
 * permute: reorders and reshapes the elements of the window. No arithmetic.
 *
 * In: [t][f][c].  Out: [attrs.t][attrs.f][rest]. The elements come in the order of the axes attrs.order,
 * outermost first; axes in attrs.back are read from their end. Source: ONNX Transpose, Reshape and Flatten of
 * a window, Slice with step -1. Streaming: by windows, because a row may contain elements of all input rows.
 */
import type { Axis, PermuteAttrs, Shape } from '../graph/types.ts';
import { misfit, type OpDef } from './op.ts';
import { only, showShape } from './sliding.ts';

/** How the input is read: its first element; then per axis, in output order, the length and the step. */
export interface Walk {
  first: number;
  lengths: number[];
  steps: number[];
}

export function walkOf({ order, back = [] }: PermuteAttrs, { t, f, c }: Shape): Walk {
  const length: Record<Axis, number> = { t, f, c };
  const step: Record<Axis, number> = { t: f * c, f: c, c: 1 };
  return {
    first: back.reduce((sum, axis) => sum + (length[axis] - 1) * step[axis], 0),
    lengths: order.map((axis) => length[axis]),
    steps: order.map((axis) => (back.includes(axis) ? -step[axis] : step[axis])),
  };
}

/** Returns the input element of each output element. */
export function sourcesOf(attrs: PermuteAttrs, x: Shape): Uint32Array {
  const { first, lengths, steps } = walkOf(attrs, x);
  const [, middle = 1, inner = 1] = lengths;
  const [a = 0, b = 0, c = 0] = steps;
  return Uint32Array.from({ length: x.t * x.f * x.c }, (_, i) => {
    const row = Math.floor(i / inner);
    return first + Math.floor(row / middle) * a + (row % middle) * b + (i % inner) * c;
  });
}

export const permute: OpDef<'permute'> = {
  name: 'permute',
  shape(inputs, { order, t, f, back = [] }, name) {
    const x = only(inputs, name);
    const c = (x.t * x.f * x.c) / (t * f);
    const isOrder = [...order].sort().join() === 'c,f,t' && new Set(back).size === back.length;
    if (isOrder && t >= 1 && f >= 1 && Number.isInteger(c)) return { t, f, c };
    throw misfit(name, `the ${x.t * x.f * x.c} elements of ${showShape(x)} are not ${t} rows of ${f} rows of features`);
  },
  float(xs, attrs) {
    const { data, shape } = only(xs, 'permute');
    return Float32Array.from(sourcesOf(attrs, shape), (at) => data[at] as number);
  },
  stream: () => ({ kind: 'whole' }),
};
