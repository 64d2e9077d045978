/**
 * matmul in int8: sums in int32, requantised once.
 *
 * In: two int8 tensors, shaped as in models/ops/matmul.ts, with scales s_a and s_b.  Out: int8; y = zero +
 * requantise(sum of (a - zero_a) (b - zero_b), s_a s_b / s_y).  Source: TensorFlow Lite BATCH_MATMUL, which
 * computes s_a s_b in float32.
 */

import { noClamp } from '../../models/graph/types.ts';
import { eachProduct, factors, productsOf } from '../../models/ops/matmul.ts';
import { clampInt, quantizeMultiplier, requantise } from '../fixed-point.ts';
import { checkProducts } from './int16.ts';
import { type IntOp, type IntTensor, quantOf, rangeOf } from './op.ts';

export const matmul: IntOp<'matmul'> = {
  name: 'matmul',
  prepare({ attrs, name }, tensors, y) {
    const [a, b] = factors(tensors, name);
    const products = productsOf(attrs, b.shape);
    checkProducts(products.terms, name);
    const [aq, bq, yq] = [quantOf(a, name), quantOf(b, name), quantOf(y, name)];
    return {
      ...rangeOf(noClamp, yq),
      products,
      zero1: aq.zeroPoint,
      zero2: bq.zeroPoint,
      scale: quantizeMultiplier(Math.fround(aq.scale * bq.scale) / yq.scale),
      yZero: yq.zeroPoint,
    };
  },
  run({ products: p, ...q }, xs, out) {
    const [a, b] = factors<IntTensor>(xs, 'matmul');
    const y = new Int8Array(out.t * out.f * out.c);
    eachProduct(p, out.t, (i, j, at) => {
      let sum = 0;
      for (let k = 0; k < p.terms; k++)
        sum += ((a.data[i + k] as number) - q.zero1) * ((b.data[j + k * p.termStep] as number) - q.zero2);
      y[at] = clampInt(q.yZero + requantise(sum, q.scale.multiplier, q.scale.shift), q.min, q.max);
    });
    return y;
  },
};
