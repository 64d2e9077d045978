/**
 * mul in int8 or int16: y = clamp(y_zero + requantise((a - a_zero) * (b - b_zero))).
 *
 * In: two of [t][f][c], both int8 or both int16, whose zero points are 0.  Out: [t][f][c] of the same type.
 * Source: TensorFlow Lite reference_integer_ops::Mul, one rule for both types.
 */
import { clampInt, quantizeMultiplier, requantise } from '../fixed-point.ts';
import { makeInts, typesOf } from './int16.ts';
import { type IntOp, int8Constant, int16Constant, quantOf, rangeOf, twoRoundings } from './op.ts';

export const mul: IntOp<'mul'> = {
  name: 'mul',
  int16: () => 'same',
  prepare({ attrs, name }, [a, b], y) {
    const [aq, yq] = [quantOf(a, name), quantOf(y, name)];
    const { types } = typesOf(aq, yq);
    const constant = attrs.constant && (types ? int16Constant : int8Constant)(attrs.constant, name);
    const bq = constant?.quant ?? quantOf(b, name);
    return {
      ...rangeOf(attrs.clamp, yq),
      ...(constant && { constant: constant.data }),
      ...(types && { types }),
      zero1: aq.zeroPoint,
      zero2: bq.zeroPoint,
      scale: quantizeMultiplier((aq.scale * bq.scale) / yq.scale),
      yZero: yq.zeroPoint,
    };
  },
  run(p, [a, b]) {
    const other = p.constant ?? b?.data;
    if (!a || !other) throw new Error('mul takes two inputs');
    const y = makeInts(p.types?.y, a.data.length);
    for (const [i, value] of a.data.entries()) {
      const product = (value - p.zero1) * ((other[i % other.length] as number) - p.zero2);
      y[i] = clampInt(p.yZero + requantise(product, p.scale.multiplier, p.scale.shift), p.min, p.max);
    }
    return y;
  },
  nudge: ({ scale }, _attrs, _x, y) => twoRoundings(scale.shift, y),
};
