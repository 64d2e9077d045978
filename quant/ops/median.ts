/**
 * median in int8: the middle value under the kernel.
 *
 * In: [t][f][c] int8.  Out: [t'][f'][c] int8, the same scale.
 */
import { eachPlace, forEachTap, only } from '../../models/ops/sliding.ts';
import { clampInt } from '../fixed-point.ts';
import { type IntOp, quantOf, rangeOf } from './op.ts';

export const median: IntOp<'median'> = {
  name: 'median',
  sharesScale: () => 'moved',
  prepare: ({ attrs, name }, [x], y) => ({
    ...rangeOf(attrs.clamp, quantOf(y, name)),
    geometry: attrs,
    countIncludePad: false,
    xZero: quantOf(x, name).zeroPoint,
  }),
  run(p, xs, out) {
    const x = only(xs, 'median');
    const y = new Int8Array(out.t * out.f * out.c);
    eachPlace(out, (t, f, at) => {
      for (let c = 0; c < out.c; c++) {
        const seen: number[] = [];
        forEachTap(x.shape, p.geometry, t, f, (offset) => seen.push(x.data[offset + c] as number));
        y[at + c] = clampInt(seen.sort((a, b) => a - b)[seen.length >> 1] as number, p.min, p.max);
      }
    });
    return y;
  },
};
