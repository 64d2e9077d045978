/**
 * add in int8: rescales both inputs to one scale with extra bits, adds or subtracts them, and requantises.
 *
 * In: two of [t][f][c] int8.  Out: [t][f][c] int8.  Source: TensorFlow Lite reference_integer_ops::Add,
 * reference_ops::Sub (left shift of 20; 15 for int16). A difference rounds each term before it subtracts, so
 * halves round as in the source.
 */
import { signsOf } from '../../models/ops/add.ts';
import { clampInt, type Multiplier, quantizeMultiplier, requantise } from '../fixed-point.ts';
import { makeInts, typesOf } from './int16.ts';
import { type IntOp, int8Constant, quantOf, rangeOf } from './op.ts';

/** Extra bits of the common scale, as in TensorFlow Lite. */
const leftShifts = { int8: 20, int16: 15 };

const signed = (sign: number, { multiplier, shift }: Multiplier, zero: number) => ({
  multiplier: sign * multiplier,
  shift,
  zero,
});

/** Rescales an input to the scale of the sum. */
function term(x: number, { multiplier, shift }: Multiplier): number {
  const y = requantise(x, Math.abs(multiplier), shift);
  return multiplier < 0 ? -y : y;
}

export const add: IntOp<'add'> = {
  name: 'add',
  int16: ({ constant, minus }) => (constant || minus !== undefined ? undefined : 'same'),
  prepare({ attrs, name }, [a, b], y) {
    const constant = attrs.constant && int8Constant(attrs.constant, name);
    const [aq, bq, yq] = [quantOf(a, name), constant?.quant ?? quantOf(b, name), quantOf(y, name)];
    const { types } = typesOf(aq, yq);
    const extra = leftShifts[types ? 'int16' : 'int8'];
    const [p, q] = signsOf(attrs);
    const twiceMax = 2 * Math.max(aq.scale, bq.scale);
    return {
      ...rangeOf(attrs.clamp, yq),
      ...(constant && { constant: constant.data }),
      ...(types && { types }),
      extra,
      x1: signed(p, quantizeMultiplier(aq.scale / twiceMax), aq.zeroPoint),
      x2: signed(q, quantizeMultiplier(bq.scale / twiceMax), bq.zeroPoint),
      y: { ...quantizeMultiplier(twiceMax / (2 ** extra * yq.scale)), zero: yq.zeroPoint },
    };
  },
  run(p, [a, b]) {
    const other = p.constant ?? b?.data;
    if (!a || !other) throw new Error('add takes two inputs');
    const y = makeInts(p.types?.y, a.data.length);
    for (const [i, value] of a.data.entries()) {
      const x1 = term((value - p.x1.zero) << p.extra, p.x1);
      const x2 = term(((other[i % other.length] as number) - p.x2.zero) << p.extra, p.x2);
      y[i] = clampInt(p.y.zero + requantise(x1 + x2, p.y.multiplier, p.y.shift), p.min, p.max);
    }
    return y;
  },
};
