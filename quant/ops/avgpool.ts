/**
 * avgpool in int8: the sum under the kernel divided by the number of places, rounded half away from zero.
 *
 * In: [t][f][c] int8.  Out: [t'][f'][c] int8, the same scale.  Sum and count exclude padded places, or, with
 * countIncludePad, include them as the zero point.  Source: TensorFlow Lite
 * reference_integer_ops::AveragePool; ONNX AveragePool count_include_pad.
 */
import { eachPlace, forEachTap, only } from '../../models/ops/sliding.ts';
import { clampInt } from '../fixed-point.ts';
import { checkCount, makeInts, typesOf } from './int16.ts';
import { awayFromZero, type IntOp, quantOf, rangeOf } from './op.ts';

/** sum / count, halves rounded away from zero; exact for |sum| < 2^31. */
export const roundedMean = (sum: number, count: number): number =>
  Math.trunc((sum + (sum > 0 ? count >> 1 : -(count >> 1))) / count);

export const avgpool: IntOp<'avgpool'> = {
  name: 'avgpool',
  sharesScale: () => 'averaged',
  int16: () => 'same',
  prepare({ attrs, name }, [x], y) {
    const { types } = typesOf(quantOf(x, name), quantOf(y, name));
    checkCount(types, attrs.kernelT * attrs.kernelF, name);
    return {
      ...rangeOf(attrs.clamp, quantOf(y, name)),
      geometry: attrs,
      countIncludePad: attrs.countIncludePad ?? false,
      xZero: quantOf(x, name).zeroPoint,
      ...(types && { types }),
    };
  },
  run(p, xs, out) {
    const x = only(xs, 'avgpool');
    const y = makeInts(p.types?.y, out.t * out.f * out.c);
    const sum = new Int32Array(out.c);
    const all = p.geometry.kernelT * p.geometry.kernelF;
    eachPlace(out, (t, f, at) => {
      let count = 0;
      sum.fill(0);
      forEachTap(x.shape, p.geometry, t, f, (offset) => {
        count++;
        for (let c = 0; c < out.c; c++) sum[c] = (sum[c] as number) + (x.data[offset + c] as number);
      });
      const padded = p.countIncludePad ? (all - count) * p.xZero : 0;
      if (p.countIncludePad) count = all;
      for (let c = 0; c < out.c; c++) y[at + c] = clampInt(roundedMean((sum[c] as number) + padded, count), p.min, p.max);
    });
    return y;
  },
  nudge: () => awayFromZero,
};
