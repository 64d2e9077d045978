/**
 * AVERAGE_POOL_2D, MAX_POOL_2D and MEAN on int8.
 *
 * In: an operator.  Out: a function that runs one step. Source: integer_ops/pooling.h, pooling_common.cc;
 * QuantizedMeanOrSum in reduce.h.
 */
import { elementsOf } from '../file.ts';
import { clamp, multiply, splitMultiplier } from '../fixed.ts';
import type { Rule } from '../runtime.ts';
import { alongAxis } from './weights.ts';

export const pool: Rule = (op) => {
  op.counts(1);
  const average = op.of.op === 'AVERAGE_POOL_2D';
  const [x, y] = [op.input(0), op.output()];
  op.types('int8', x, y);
  if (x.shape.length !== 4 || y.shape.length !== 4) op.fail('not four dimensions');
  const [qx, qy] = [op.quant(x), op.quant(y)];
  if (Math.abs(Math.fround(qx.scale - qy.scale)) > 1e-6 || qx.zeroPoint !== qy.zeroPoint) op.fail('another scale');
  const h = alongAxis(op, x, y, 1, op.number('filterH'));
  const v = alongAxis(op, x, y, 2, op.number('filterW'));
  const { low, high } = op.range(y);
  const [batches, xRows, xColumns, channels] = x.shape as [number, number, number, number];
  if (y.shape[0] !== batches || y.shape[3] !== channels) op.fail('batch and channels stay');
  const [, rows, columns] = y.shape as [number, number, number, number];
  /** Returns the range of the kernel inside the input. */
  const inside = (origin: number, kernel: number, count: number): [number, number] => [
    Math.max(0, origin),
    Math.min(count, origin + kernel),
  ];
  return () => {
    let at = 0;
    for (let b = 0; b < batches; b++)
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++)
          for (let c = 0; c < channels; c++) {
            const [top, bottom] = inside(row * h.stride - h.before, h.kernel, xRows);
            const [left, right] = inside(column * v.stride - v.before, v.kernel, xColumns);
            let sum = 0;
            let max = -128;
            for (let i = top; i < bottom; i++)
              for (let j = left; j < right; j++) {
                const value = x.values[((b * xRows + i) * xColumns + j) * channels + c] as number;
                sum += value;
                max = Math.max(max, value);
              }
            const count = (bottom - top) * (right - left);
            const half = Math.floor(count / 2);
            const mean = Math.trunc((sum > 0 ? sum + half : sum - half) / count);
            y.values[at++] = clamp(average ? mean : max, low, high);
          }
  };
};

export const mean: Rule = (op) => {
  op.counts(2);
  const [x, y] = [op.input(0), op.output()];
  op.types('int8', x, y);
  const n = x.shape.length;
  const axes = new Set(op.constants(1).map((a) => (a < 0 ? a + n : a)));
  for (const a of axes) if (!(a >= 0 && a < n)) op.fail(`axis ${a}`);
  const kept = x.shape.map((d, i) => (axes.has(i) ? 1 : d));
  op.shapeIs(y, op.number('keepDims') ? kept : x.shape.filter((_, i) => !axes.has(i)));
  const count = elementsOf(x.shape.filter((_, i) => axes.has(i)));
  const [qx, qy] = [op.quant(x), op.quant(y)];
  // The multiplier includes the division by the count.
  const whole = splitMultiplier(qx.scale / qy.scale);
  const bits = Math.min(31 - Math.clz32(count), 32, 31 + whole.shift);
  const significand = Number((BigInt(whole.significand) << BigInt(bits)) / BigInt(count));
  const multiplier = { significand, shift: whole.shift - bits };
  const steps = kept.map((_, axis) => elementsOf(kept.slice(axis + 1)));
  const into = Int32Array.from({ length: elementsOf(x.shape) }, (_, i) => {
    let rest = i;
    let to = 0;
    for (let axis = n - 1; axis >= 0; axis--) {
      const place = rest % (x.shape[axis] as number);
      rest = Math.floor(rest / (x.shape[axis] as number));
      if (!axes.has(axis)) to += place * (steps[axis] as number);
    }
    return to;
  });
  const sums = new Int32Array(y.values.length);
  return () => {
    sums.fill(0);
    into.forEach((to, from) => {
      sums[to] = (sums[to] as number) + (x.values[from] as number);
    });
    sums.forEach((sum, i) => {
      y.values[i] = clamp(multiply((sum - qx.zeroPoint * count) | 0, multiplier) + qy.zeroPoint, -128, 127);
    });
  };
};
