/**
 * maxpool in int8: the largest value under the kernel; padding is ignored.
 *
 * In: [t][f][c] int8.  Out: [t'][f'][c] int8, the same scale.  Source: TensorFlow Lite
 * reference_integer_ops::MaxPool.
 */
import { eachPlace, forEachTap, only } from '../../models/ops/sliding.ts';
import { clampInt } from '../fixed-point.ts';
import { makeInts, typesOf } from './int16.ts';
import { type IntOp, quantOf, rangeOf } from './op.ts';

export const maxpool: IntOp<'maxpool'> = {
  name: 'maxpool',
  sharesScale: () => 'moved',
  int16: () => 'same',
  prepare: ({ attrs, name }, [x], y) => ({
    ...rangeOf(attrs.clamp, quantOf(y, name)),
    geometry: attrs,
    countIncludePad: false,
    xZero: quantOf(x, name).zeroPoint,
    ...typesOf(quantOf(x, name), quantOf(y, name)),
  }),
  run(p, xs, out) {
    const x = only(xs, 'maxpool');
    const y = makeInts(p.types?.y, out.t * out.f * out.c);
    const best = makeInts(p.types?.y, out.c);
    eachPlace(out, (t, f, at) => {
      best.fill(p.types ? -32768 : -128);
      forEachTap(x.shape, p.geometry, t, f, (offset) => {
        for (let c = 0; c < out.c; c++) best[c] = Math.max(best[c] as number, x.data[offset + c] as number);
      });
      for (let c = 0; c < out.c; c++) y[at + c] = clampInt(best[c] as number, p.min, p.max);
    });
    return y;
  },
};
