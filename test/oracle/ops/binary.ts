/**
 * ADD, SUB and MUL on int8, with broadcasting.
 *
 * In: an operator.  Out: a function that runs one step. Source: integer_ops/add.h, mul.h, reference/sub.h;
 * add_common.cc, sub_common.cc, mul_common.cc for the multipliers.
 */
import { elementsOf } from '../file.ts';
import { clamp, multiply, splitMultiplier } from '../fixed.ts';
import type { Op, Rule, Tensor } from '../runtime.ts';

/** Returns the index into `x` for each element of the output. */
function broadcast(op: Op, x: Tensor, shape: readonly number[]): Int32Array {
  const own = [...Array<number>(shape.length - x.shape.length).fill(1), ...x.shape];
  if (own.some((d, i) => d !== 1 && d !== shape[i])) op.fail('shapes do not fit');
  return Int32Array.from({ length: elementsOf(shape) }, (_, i) => {
    let rest = i;
    let at = 0;
    let step = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const place = rest % (shape[axis] as number);
      rest = Math.floor(rest / (shape[axis] as number));
      if (own[axis] !== 1) at += place * step;
      step *= own[axis] as number;
    }
    return at;
  });
}

function operands(op: Op) {
  op.counts(2);
  const [a, b, y] = [op.input(0), op.input(1), op.output()];
  op.types('int8', a, b, y);
  const n = Math.max(a.shape.length, b.shape.length);
  if (n > 4 || y.shape.length !== n) op.fail('shapes do not fit');
  const at = (t: Tensor, i: number) => t.shape[i - n + t.shape.length] ?? 1;
  op.shapeIs(
    y,
    y.shape.map((_, i) => (at(a, i) === 1 ? at(b, i) : at(a, i))),
  );
  return { a, b, y, fromA: broadcast(op, a, y.shape), fromB: broadcast(op, b, y.shape), ...op.range(y) };
}

/** @param sign sign of the second operand. */
const sum =
  (sign: 1 | -1): Rule =>
  (op) => {
    const { a, b, y, fromA, fromB, low, high } = operands(op);
    const [qa, qb, qy] = [op.quant(a), op.quant(b), op.quant(y)];
    const twice = 2 * Math.max(qa.scale, qb.scale);
    const [ma, mb] = [splitMultiplier(qa.scale / twice), splitMultiplier(qb.scale / twice)];
    const real = twice / (2 ** 20 * qy.scale);
    if (real >= 1) op.fail('the output scale is too small');
    const my = splitMultiplier(real);
    return () => {
      for (let i = 0; i < y.values.length; i++) {
        const x1 = multiply(((a.values[fromA[i] as number] as number) - qa.zeroPoint) * 2 ** 20, ma);
        const x2 = multiply(((b.values[fromB[i] as number] as number) - qb.zeroPoint) * 2 ** 20, mb);
        y.values[i] = clamp(multiply(x1 + sign * x2, my) + qy.zeroPoint, low, high);
      }
    };
  };

export const add = sum(1);
export const sub = sum(-1);

export const mul: Rule = (op) => {
  const { a, b, y, fromA, fromB, low, high } = operands(op);
  const [qa, qb, qy] = [op.quant(a), op.quant(b), op.quant(y)];
  const multiplier = splitMultiplier((qa.scale * qb.scale) / qy.scale);
  return () => {
    for (let i = 0; i < y.values.length; i++) {
      const x1 = (a.values[fromA[i] as number] as number) - qa.zeroPoint;
      const x2 = (b.values[fromB[i] as number] as number) - qb.zeroPoint;
      y.values[i] = clamp(multiply(x1 * x2, multiplier) + qy.zeroPoint, low, high);
    }
  };
};
