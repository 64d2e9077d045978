/**
 * globalavg in int8: the average of each channel over the window, from an exact int32 sum.
 *
 * In: [t][f][c] int8.  Out: [1][f or 1][c or 1] int8.  Two rules: `avgpool` divides and rounds half away
 * from zero (one scale); `mean` requantises sum - count * x_zero with a multiplier that includes 1 / count.
 * Source: TensorFlow Lite AVERAGE_POOL_2D, and QuantizedMeanOrSum of MEAN.
 */
import { sameParams } from '../../models/graph/types.ts';
import { only } from '../../models/ops/sliding.ts';
import { clampInt, type Multiplier, quantizeMultiplier, requantise } from '../fixed-point.ts';
import { roundedMean } from './avgpool.ts';
import { checkCount, makeInts, typesOf } from './int16.ts';
import { awayFromZero, type GlobalParams, type IntOp, placesOf, quantOf, rangeOf, twoRoundings } from './op.ts';

/** The multiplier of s_x / s_y with 1 / count folded in. */
function meanMultiplier(real: number, count: number): Multiplier {
  const m = quantizeMultiplier(real);
  const shift = Math.min(Math.floor(Math.log2(count)), 32, 31 + m.shift);
  return { multiplier: Number((BigInt(m.multiplier) << BigInt(shift)) / BigInt(count)), shift: m.shift - shift };
}

/** Computes one output from its exact sum. */
function finishMean(p: GlobalParams, sum: number): number {
  const value =
    p.rule === 'avgpool'
      ? roundedMean(sum, p.count)
      : p.yZero + requantise(sum - p.count * p.xZero, p.scale.multiplier, p.scale.shift);
  return clampInt(value, p.min, p.max);
}

export const globalavg: IntOp<'globalavg'> = {
  name: 'globalavg',
  sharesScale: ({ rule }) => (rule === 'avgpool' ? 'averaged' : undefined),
  int16: () => 'any',
  prepare({ attrs, name }, [x], y) {
    const xq = quantOf(x, name);
    const yq = quantOf(y, name);
    const count = placesOf(attrs, x);
    const { types } = typesOf(xq, yq);
    checkCount(types, count, name);
    return {
      ...rangeOf(attrs.clamp, yq),
      overF: attrs.overF,
      rule: attrs.rule === 'avgpool' && sameParams(xq, yq) ? 'avgpool' : 'mean',
      count,
      scale: meanMultiplier(xq.scale / yq.scale, count),
      xZero: xq.zeroPoint,
      yZero: yq.zeroPoint,
      ...(types && { types }),
    };
  },
  run(p, xs, out) {
    const { data } = only(xs, 'globalavg');
    const sum = new Int32Array(out.f * out.c);
    for (let i = 0; i < data.length; i++) sum[i % sum.length] = (sum[i % sum.length] as number) + (data[i] as number);
    const y = makeInts(p.types?.y, sum.length);
    for (const [i, s] of sum.entries()) y[i] = finishMean(p, s);
    return y;
  },
  nudge: ({ rule, scale }, _attrs, _x, y) => (rule === 'avgpool' ? awayFromZero : twoRoundings(scale.shift, y)),
};
