/**
 * globalmax in int8: the largest value of each channel over the window.
 *
 * In: [t][f][c] int8.  Out: [1][f or 1][c or 1] int8, the same scale.  Source: TensorFlow Lite MAX_POOL_2D
 * / REDUCE_MAX.
 */
import { only } from '../../models/ops/sliding.ts';
import { clampInt } from '../fixed-point.ts';
import { makeInts, typesOf } from './int16.ts';
import { type IntOp, placesOf, quantOf, rangeOf } from './op.ts';

export const globalmax: IntOp<'globalmax'> = {
  name: 'globalmax',
  sharesScale: () => 'moved',
  int16: () => 'same',
  prepare: ({ attrs, name }, [x], y) => ({
    ...rangeOf(attrs.clamp, quantOf(y, name)),
    overF: attrs.overF,
    rule: 'avgpool',
    count: placesOf(attrs, x),
    scale: { multiplier: 0, shift: 0 },
    xZero: quantOf(x, name).zeroPoint,
    yZero: quantOf(y, name).zeroPoint,
    ...typesOf(quantOf(x, name), quantOf(y, name)),
  }),
  run(p, xs, out) {
    const { data } = only(xs, 'globalmax');
    const per = out.f * out.c;
    const best = makeInts(p.types?.y, per).fill(p.types ? -32768 : -128);
    for (let i = 0; i < data.length; i++) best[i % per] = Math.max(best[i % per] as number, data[i] as number);
    return best.map((v) => clampInt(v, p.min, p.max));
  },
};
