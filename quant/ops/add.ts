/**
 * add in int8: both inputs brought to one scale with some extra bits, summed, requantised.
 *
 * In: two of [t][f][c] int8.  Out: [t][f][c] int8.  Source: TensorFlow Lite reference_integer_ops::Add (left shift of 20; 15 for int16).
 */
import { clampInt, quantizeMultiplier, requantise } from '../fixed-point.ts';
import { makeInts, typesOf } from './int16.ts';
import { type IntOp, quantOf, rangeOf } from './op.ts';

/** TensorFlow Lite's for int8 and int16. */
const leftShifts = { int8: 20, int16: 15 };

export const add: IntOp<'add'> = {
  name: 'add',
  int16: ({ constant }) => (constant ? undefined : 'same'),
  prepare({ attrs, name }, [a, b], y) {
    const [aq, bq, yq] = [quantOf(a, name), attrs.constant?.quant ?? quantOf(b, name), quantOf(y, name)];
    const { types } = typesOf(aq, yq);
    const extra = leftShifts[types ? 'int16' : 'int8'];
    const twiceMax = 2 * Math.max(aq.scale, bq.scale);
    return {
      ...rangeOf(attrs.clamp, yq),
      ...(attrs.constant && { constant: attrs.constant.data }),
      ...(types && { types }),
      extra,
      x1: { ...quantizeMultiplier(aq.scale / twiceMax), zero: aq.zeroPoint },
      x2: { ...quantizeMultiplier(bq.scale / twiceMax), zero: bq.zeroPoint },
      y: { ...quantizeMultiplier(twiceMax / (2 ** extra * yq.scale)), zero: yq.zeroPoint },
    };
  },
  run(p, [a, b]) {
    const other = p.constant ?? b?.data;
    if (!a || !other) throw new Error('add takes two inputs');
    const y = makeInts(p.types?.y, a.data.length);
    for (const [i, value] of a.data.entries()) {
      const x1 = requantise((value - p.x1.zero) << p.extra, p.x1.multiplier, p.x1.shift);
      const x2 = requantise(((other[i % other.length] as number) - p.x2.zero) << p.extra, p.x2.multiplier, p.x2.shift);
      y[i] = clampInt(p.y.zero + requantise(x1 + x2, p.y.multiplier, p.y.shift), p.min, p.max);
    }
    return y;
  },
};
