/**
 * permute: the elements of the window in another order and under other lengths; no arithmetic.
 *
 * In: [t][f][c].  Out: [attrs.t][attrs.f][the rest], the elements in the order of attrs.order, its outermost
 * axis first, those of attrs.back from their end. Source: ONNX Transpose, Reshape and Flatten of a window,
 * Slice with step -1. Streaming: by windows, since every row may hold elements of all.
 */
import type { Axis, PermuteAttrs, Shape } from '../graph/types.ts';
import { misfit, type OpDef } from './op.ts';
import { only, showShape } from './sliding.ts';

/** The input's element that comes first; lengths of its axes in the order of the output, and steps in it. */
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

/** The input's element of each of the output. */
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
