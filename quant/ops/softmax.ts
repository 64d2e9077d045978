/**
 * softmax in int8 (int16: softmax-int16.ts): exp of the differences from the row's maximum by a table, and
 * one reciprocal per row.
 *
 * In: [t][f][c] int8.  Out: [t][f][c] int8 with scale 1/256 and zero point -128.  Source: TensorFlow Lite
 * reference_ops::Softmax (Q5.26 differences, Q12.19 sum, GetReciprocal).
 */
import { RunletError } from '../../models/error.ts';
import { isInt16 } from '../../models/graph/types.ts';
import { only } from '../../models/ops/sliding.ts';
import { softmaxOutput } from '../../models/ops/softmax.ts';
import { clampInt, mulHigh, quantizeMultiplier, requantise, roundingShift } from '../fixed-point.ts';
import { expOnNegative, oneOverOnePlus } from '../transcendental.ts';
import { checkCount, typesOf } from './int16.ts';
import { type IntOp, quantOf } from './op.ts';
import { runWideSoftmax, wideSoftmaxParams } from './softmax-int16.ts';

export const softmax: IntOp<'softmax'> = {
  name: 'softmax',
  int16: () => 'same',
  prepare({ attrs, name }, [x], y) {
    const yq = quantOf(y, name);
    checkCount(typesOf(quantOf(x, name), yq).types, y.shape.c, name);
    if (isInt16(yq)) return wideSoftmaxParams(attrs.beta, quantOf(x, name), yq);
    if (yq.scale !== softmaxOutput.scale || yq.zeroPoint !== softmaxOutput.zeroPoint) {
      throw new RunletError('RN403', {
        what: `softmax with output scale ${yq.scale} and zero point ${yq.zeroPoint}`,
        where: name,
        why: 'its integer form is defined for scale 1/256 and zero point -128',
        tryThis: 'requantise the model',
      });
    }
    if (y.shape.c >= 4096) {
      throw new RunletError('RN403', {
        what: `softmax over ${y.shape.c} classes`,
        where: name,
        why: 'the sum of more than 4,095 exponentials does not fit its 12 integer bits',
        tryThis: 'leave the softmax out: the largest logit is the same class',
      });
    }
    const scaled = Math.min(Math.fround(attrs.beta) * quantOf(x, name).scale * 2 ** 26, 2 ** 30 - 1);
    const m = quantizeMultiplier(scaled);
    const smallest = -Math.floor((31 * 2 ** 26) / 2 ** m.shift);
    const at = (d: number) => (-d >= smallest ? expOnNegative(requantise(-d, m.multiplier, m.shift), 5) : 0);
    return { exp: Int32Array.from({ length: 256 }, (_, d) => at(d)) };
  },
  run(p, xs, out) {
    const { data } = only(xs, 'softmax');
    if (p.types) return runWideSoftmax(p, data, out.c);
    const y = new Int8Array(data.length);
    for (let row = 0; row < data.length; row += out.c) {
      let max = -128;
      for (let i = 0; i < out.c; i++) max = Math.max(max, data[row + i] as number);
      let sum = 0;
      for (let i = 0; i < out.c; i++) sum += roundingShift(p.exp[max - (data[row + i] as number)] as number, 12);
      const headroom = Math.clz32(sum);
      const scale = oneOverOnePlus(((sum << headroom) >>> 0) - 2 ** 31);
      const exponent = 12 - headroom + 23;
      for (let i = 0; i < out.c; i++) {
        const e = p.exp[max - (data[row + i] as number)] as number;
        // above 31 (more than 256 nearly equal values) the quotient rounds to 0; this case is undefined in
        // TensorFlow Lite
        y[row + i] = exponent > 31 ? -128 : clampInt(roundingShift(mulHigh(scale, e), exponent) - 128, -128, 127);
      }
    }
    return y;
  },
};
