/**
 * hypot in integers: rescales both inputs to the larger scale with 11 more bits, sums their squares, and
 * takes an integer square root.
 *
 * In: two of [t][f][c], each int8 or int16, with scales s_a and s_b.  Out: [t][f][c] int8 or int16. With s
 * the larger scale, t_i = requantise(x_i 2^11, s_i / s); root = floor(sqrt(t_a^2 + t_b^2)), in units of
 * s / 2^11; y = zero + requantise(root). Exact: the sum of squares is at most 2^53.
 */
import type { QuantParams } from '../../models/graph/types.ts';
import { clampInt, type Multiplier, quantizeMultiplier, requantise } from '../fixed-point.ts';
import { makeInts, typeOf } from './int16.ts';
import { type IntOp, quantOf, rangeOf } from './op.ts';

/** Extra bits of the common scale s. */
const rootBits = 11;

/** Rescales an input to units of s / 2^11. */
const term = (x: number, { multiplier, shift, zero }: Multiplier & { zero: number }): number =>
  requantise((x - zero) << rootBits, multiplier, shift);

/** floor(sqrt(v)) for an integer up to 2^53. */
function root(v: number): number {
  const r = Math.floor(Math.sqrt(v));
  return r * r > v ? r - 1 : r;
}

export const hypot: IntOp<'hypot'> = {
  name: 'hypot',
  int16: () => 'any',
  prepare({ attrs, name }, [a, b], y) {
    const [aq, bq, yq] = [quantOf(a, name), quantOf(b, name), quantOf(y, name)];
    const scale = Math.max(aq.scale, bq.scale);
    const input = (q: QuantParams) => ({ ...quantizeMultiplier(q.scale / scale), zero: q.zeroPoint });
    return {
      ...rangeOf(attrs.clamp, yq),
      types: { a: typeOf(aq), b: typeOf(bq), y: typeOf(yq) },
      a: input(aq),
      b: input(bq),
      y: { ...quantizeMultiplier(scale / (2 ** rootBits * yq.scale)), zero: yq.zeroPoint },
    };
  },
  run(p, [a, b]) {
    if (!a || !b) throw new Error('hypot takes two inputs');
    const y = makeInts(p.types.y, a.data.length);
    for (const [i, value] of a.data.entries()) {
      const x1 = term(value, p.a);
      const x2 = term(b.data[i] as number, p.b);
      y[i] = clampInt(p.y.zero + requantise(root(x1 * x1 + x2 * x2), p.y.multiplier, p.y.shift), p.min, p.max);
    }
    return y;
  },
};
