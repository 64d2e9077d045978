/**
 * add in int8: both inputs brought to one scale with 20 extra bits, summed, requantised.
 *
 * In: two of [t][f][c] int8.  Out: [t][f][c] int8.  Source: TensorFlow Lite reference_integer_ops::Add (left shift of 20).
 */
import { clampInt, quantizeMultiplier, requantise } from '../fixed-point.ts';
import { type IntOp, quantOf, rangeOf } from './op.ts';

const leftShift = 20;

export const add: IntOp<'add'> = {
  name: 'add',
  prepare({ attrs, name }, [a, b], y) {
    const [aq, bq, yq] = [quantOf(a, name), attrs.constant?.quant ?? quantOf(b, name), quantOf(y, name)];
    const twiceMax = 2 * Math.max(aq.scale, bq.scale);
    return {
      ...rangeOf(attrs.clamp, yq),
      ...(attrs.constant && { constant: attrs.constant.data }),
      x1: { ...quantizeMultiplier(aq.scale / twiceMax), zero: aq.zeroPoint },
      x2: { ...quantizeMultiplier(bq.scale / twiceMax), zero: bq.zeroPoint },
      y: { ...quantizeMultiplier(twiceMax / (2 ** leftShift * yq.scale)), zero: yq.zeroPoint },
    };
  },
  run(p, [a, b]) {
    const other = p.constant ?? b?.data;
    if (!a || !other) throw new Error('add takes two inputs');
    return a.data.map((value, i) => {
      const x1 = requantise((value - p.x1.zero) << leftShift, p.x1.multiplier, p.x1.shift);
      const x2 = requantise(((other[i % other.length] as number) - p.x2.zero) << leftShift, p.x2.multiplier, p.x2.shift);
      return clampInt(p.y.zero + requantise(x1 + x2, p.y.multiplier, p.y.shift), p.min, p.max);
    });
  },
};
