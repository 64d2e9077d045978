/**
 * dense in int8: acc[u] = bias[u] + sum w[u, i] * (x[i] - x_zero); y = clamp(y_zero + requantise(acc)).
 *
 * In: [t][f][c] int8.  Out: [1][1][units] int8.  Source: TensorFlow Lite
 * reference_integer_ops::FullyConnected.
 */
import { only } from '../../models/ops/sliding.ts';
import { products } from '../../models/products.ts';
import { finishSum, makeInts } from './int16.ts';
import type { IntOp } from './op.ts';
import { macNudge, macParams } from './sliding.ts';

const whole = { kernelT: 1, kernelF: 1, strideT: 1, strideF: 1, padT: [0, 0], padF: [0, 0] } as const;

export const dense: IntOp<'dense'> = {
  name: 'dense',
  int16: () => 'any',
  prepare: ({ attrs, name }, [x], y) =>
    macParams(name, { ...attrs, geometry: whole, per: attrs.weights.data.length / attrs.units }, x, y),
  run(p, xs, out) {
    const { data } = only(xs, 'dense');
    const sums = products(p.weights, p.bias, data, p.xZero);
    const y = makeInts(p.types?.y, out.c);
    for (const [u, sum] of sums.entries()) y[u] = finishSum(p, sum, u);
    return y;
  },
  nudge: macNudge,
};
