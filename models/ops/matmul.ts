/**
 * matmul: product of two activations, separately for each head: the scores of attention, and its weighted
 * mean.
 *
 * In: over `channels` a [t][f][c] and b [s][f][c], f * c = heads * d; over `rows` a [t][heads][s] and b
 * [s][f][c].  Out: over `channels` [t][heads][s], y[t][h][s] = sum over d of a[t][h][d] b[s][h][d]; over
 * `rows` [t][f][c], y[t][h][d] = sum over s of a[t][h][s] b[s][h][d].  Source: Vaswani et al., Attention Is
 * All You Need (2017), 3.2; ONNX MatMul, TensorFlow Lite BATCH_MATMUL. Streaming: by windows, because every
 * output row reads all rows.
 */
import type { MatmulAttrs, Shape } from '../graph/types.ts';
import { type FloatTensor, misfit, type OpDef } from './op.ts';

/** Positions of the factors of a matrix product, by row, head, output and term. */
export interface Products {
  heads: number;
  /** Number of terms of one output, and of outputs per head and row. */
  terms: number;
  outputs: number;
  /**
   * Distances in b between terms, outputs and heads, in elements. In a the terms of a head are consecutive.
   */
  termStep: number;
  outputStep: number;
  headStep: number;
}

export function productsOf({ heads, over }: MatmulAttrs, b: Shape): Products {
  const row = b.f * b.c;
  const depth = row / heads;
  return over === 'channels'
    ? { heads, terms: depth, outputs: b.t, termStep: 1, outputStep: row, headStep: depth }
    : { heads, terms: b.t, outputs: depth, termStep: row, outputStep: 1, headStep: depth };
}

/** Calls `sum` for every output in order, with the elements at which its factors start in a and in b. */
export function eachProduct(p: Products, rows: number, sum: (a: number, b: number, at: number) => void): void {
  let at = 0;
  for (let row = 0; row < rows * p.heads; row++) {
    const head = (row % p.heads) * p.headStep;
    for (let o = 0; o < p.outputs; o++) sum(row * p.terms, head + o * p.outputStep, at++);
  }
}

/** Returns the two inputs of a node. @throws RunletError RN301 if it does not have two */
export function factors<T>(inputs: readonly T[], name: string): [T, T] {
  const [a, b] = inputs;
  if (a === undefined || b === undefined || inputs.length !== 2)
    throw misfit(name, `expected two inputs, found ${inputs.length}`);
  return [a, b];
}

const text = ({ t, f, c }: Shape): string => `[${t}][${f}][${c}]`;

export const matmul: OpDef<'matmul'> = {
  name: 'matmul',
  shape(inputs, attrs, name) {
    const [a, b] = factors(inputs, name);
    const { heads, over } = attrs;
    const fits = over === 'channels' ? a.f * a.c === b.f * b.c : a.f === heads && a.c === b.t;
    if ((b.f * b.c) % heads !== 0 || !fits)
      throw misfit(name, `${text(a)} times ${text(b)} over ${over}, with ${heads} heads`, 'their sizes do not agree');
    return over === 'channels' ? { t: a.t, f: heads, c: b.t } : { ...b, t: a.t };
  },
  float(xs, attrs, out) {
    const [a, b] = factors<FloatTensor>(xs, 'matmul');
    const y = new Float32Array(out.t * out.f * out.c);
    const p = productsOf(attrs, b.shape);
    eachProduct(p, out.t, (i, j, at) => {
      let sum = 0;
      for (let k = 0; k < p.terms; k++) sum += (a.data[i + k] as number) * (b.data[j + k * p.termStep] as number);
      y[at] = sum;
    });
    return y;
  },
  stream: () => ({ kind: 'whole' }),
  macsPerFrame: (attrs, [, b], out) => (b ? out.f * out.c * productsOf(attrs, b).terms : 0),
};
