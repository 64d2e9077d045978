/**
 * mul in int8: y = clamp(y_zero + requantise((a - a_zero) * (b - b_zero))).
 *
 * In: two of [t][f][c] int8.  Out: [t][f][c] int8.  Source: TensorFlow Lite reference_integer_ops::Mul.
 */
import { clampInt, quantizeMultiplier, requantise } from '../fixed-point.ts';
import { type IntOp, quantOf, rangeOf } from './op.ts';

export const mul: IntOp<'mul'> = {
  name: 'mul',
  prepare({ attrs, name }, [a, b], y) {
    const [aq, bq, yq] = [quantOf(a, name), quantOf(b, name), quantOf(y, name)];
    return {
      ...rangeOf(attrs.clamp, yq),
      zero1: aq.zeroPoint,
      zero2: bq.zeroPoint,
      scale: quantizeMultiplier((aq.scale * bq.scale) / yq.scale),
      yZero: yq.zeroPoint,
    };
  },
  run(p, [a, b]) {
    if (!a || !b) throw new Error('mul takes two inputs');
    return a.data.map((value, i) => {
      const product = (value - p.zero1) * ((b.data[i] as number) - p.zero2);
      return clampInt(p.yZero + requantise(product, p.scale.multiplier, p.scale.shift), p.min, p.max);
    });
  },
};
