/**
 * argmax in int8: integers of one scale and zero point compare as the real values do.
 *
 * In: [t][f][c] int8.  Out: [t][f][1] int8, the index less 128 (scale 1, zero point -128). Exact: the index
 * of the largest integer, the first of equal ones, or the last.  Source: TensorFlow Lite ARG_MAX.
 */
import { RunletError } from '../../models/error.ts';
import { indexOutput, largest } from '../../models/ops/argmax.ts';
import { only } from '../../models/ops/sliding.ts';
import { type IntOp, quantOf } from './op.ts';

export const argmax: IntOp<'argmax'> = {
  name: 'argmax',
  prepare({ attrs, name }, _xs, y) {
    const { scale, zeroPoint } = quantOf(y, name);
    if (scale === indexOutput.scale && zeroPoint === indexOutput.zeroPoint) return { last: attrs.last };
    throw new RunletError('RN403', {
      what: `argmax with output scale ${scale} and zero point ${zeroPoint}`,
      where: name,
      why: 'its output is an index: scale 1 and zero point -128',
      tryThis: 'requantise the model',
    });
  },
  run({ last }, xs, out) {
    const { data } = only(xs, 'argmax');
    const rows = out.t * out.f;
    const count = data.length / rows;
    return Int8Array.from({ length: rows }, (_, row) => largest(data, row * count, count, last) - 128);
  },
};
