/**
 * conv in int8: acc = bias + sum w * (x - x_zero); y = clamp(y_zero + requantise(acc)).
 *
 * In: [t][f][c] int8.  Out: [t'][f'][o] int8.  Padding holds the zero point, so it adds nothing.
 * Source: TensorFlow Lite reference_integer_ops::ConvPerChannel.
 */
import { only } from '../../models/ops/sliding.ts';
import { eachConvolved } from '../../models/products.ts';
import { finishSum, makeInts } from './int16.ts';
import type { IntOp } from './op.ts';
import { macNudge, macParams } from './sliding.ts';

export const conv: IntOp<'conv'> = {
  name: 'conv',
  int16: () => 'any',
  prepare: ({ attrs, name }, [x], y) =>
    macParams(name, { ...attrs, geometry: attrs, per: (x?.shape.c ?? 0) / attrs.groups }, x, y),
  run(p, xs, out) {
    const x = only(xs, 'conv');
    const y = makeInts(p.types?.y, out.t * out.f * out.c);
    const { geometry, weights, bias, per, xZero: zero } = p;
    eachConvolved(x, { geometry, groups: x.shape.c / per, weights, bias, zero }, out, (sums, at) => {
      for (let o = 0; o < out.c; o++) y[at + o] = finishSum(p, sums[o] as number, o);
    });
    return y;
  },
  nudge: macNudge,
};
