/**
 * depthwise in int8: acc[o] = bias[o] + sum w[kt, kf, o] * (x[.., o / multiplier] - x_zero); y = clamp(y_zero
 * + requantise(acc)).
 *
 * In: [t][f][c] int8.  Out: [t'][f'][c * multiplier] int8.  Source: TensorFlow Lite
 * reference_integer_ops::DepthwiseConvPerChannel.
 */
import { eachPlace, forEachTap, only } from '../../models/ops/sliding.ts';
import { finishSum, makeInts } from './int16.ts';
import type { IntOp } from './op.ts';
import { macNudge, macParams } from './sliding.ts';

export const depthwise: IntOp<'depthwise'> = {
  name: 'depthwise',
  int16: () => 'any',
  prepare: ({ attrs, name }, [x], y) => macParams(name, { ...attrs, geometry: attrs, per: attrs.multiplier }, x, y),
  run(p, xs, out) {
    const x = only(xs, 'depthwise');
    const y = makeInts(p.types?.y, out.t * out.f * out.c);
    const acc = new Float64Array(out.c);
    const { per, weights, xZero } = p;
    const { data } = x;
    eachPlace(out, (t, f, at) => {
      acc.set(p.bias);
      forEachTap(x.shape, p.geometry, t, f, (offset, kt, kf) => {
        const row = (kt * p.geometry.kernelF + kf) * out.c;
        for (let c = offset, o = 0; o < out.c; c++) {
          const value = (data[c] as number) - xZero;
          for (const end = o + per; o < end; o++) acc[o] = (acc[o] as number) + (weights[row + o] as number) * value;
        }
      });
      for (let o = 0; o < out.c; o++) y[at + o] = finishSum(p, acc[o] as number, o);
    });
    return y;
  },
  nudge: macNudge,
};
