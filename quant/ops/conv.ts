/**
 * conv in int8: acc = bias + sum w * (x - x_zero); y = clamp(y_zero + requantise(acc)).
 *
 * In: [t][f][c] int8.  Out: [t'][f'][o] int8.  Padded taps hold the zero point and add nothing.
 * Source: TensorFlow Lite reference_integer_ops::ConvPerChannel.
 */
import { eachPlace, forEachTap, only } from '../../models/ops/sliding.ts';
import { accumulators, finishSum, makeInts } from './int16.ts';
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
    const acc = accumulators(p.types, out.c);
    const { kernelT, kernelF } = p.geometry;
    const groups = x.shape.c / p.per;
    eachPlace(out, (t, f, at) => {
      acc.set(p.bias);
      forEachTap(x.shape, p.geometry, t, f, (offset, kt, kf) => {
        for (let o = 0; o < out.c; o++) {
          const from = offset + Math.floor((o * groups) / out.c) * p.per;
          const row = ((o * kernelT + kt) * kernelF + kf) * p.per;
          let sum = 0;
          for (let i = 0; i < p.per; i++) sum += (p.weights[row + i] as number) * ((x.data[from + i] as number) - p.xZero);
          acc[o] = (acc[o] as number) + sum;
        }
      });
      for (let o = 0; o < out.c; o++) y[at + o] = finishSum(p, acc[o] as number, o);
    });
    return y;
  },
  nudge: macNudge,
};
