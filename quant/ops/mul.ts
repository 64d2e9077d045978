/**
 * mul in int8: y = clamp(y_zero + requantise((a - a_zero) * (b - b_zero))).
 *
 * In: two of [t][f][c] int8.  Out: [t][f][c] int8.  Source: TensorFlow Lite reference_integer_ops::Mul.
 */
import { clampInt, quantizeMultiplier, requantise } from '../fixed-point.ts';
import { type IntOp, int8Constant, quantOf, rangeOf, twoRoundings } from './op.ts';

export const mul: IntOp<'mul'> = {
  name: 'mul',
  prepare({ attrs, name }, [a, b], y) {
    const constant = attrs.constant && int8Constant(attrs.constant, name);
    const [aq, bq, yq] = [quantOf(a, name), constant?.quant ?? quantOf(b, name), quantOf(y, name)];
    return {
      ...rangeOf(attrs.clamp, yq),
      ...(constant && { constant: constant.data }),
      zero1: aq.zeroPoint,
      zero2: bq.zeroPoint,
      scale: quantizeMultiplier((aq.scale * bq.scale) / yq.scale),
      yZero: yq.zeroPoint,
    };
  },
  run(p, [a, b]) {
    const other = p.constant ?? b?.data;
    if (!a || !other) throw new Error('mul takes two inputs');
    return (a.data as Int8Array).map((value, i) => {
      const product = (value - p.zero1) * ((other[i % other.length] as number) - p.zero2);
      return clampInt(p.yZero + requantise(product, p.scale.multiplier, p.scale.shift), p.min, p.max);
    });
  },
  nudge: ({ scale }, _attrs, _x, y) => twoRoundings(scale.shift, y),
};
