/**
 * BATCH_MATMUL of two computed tensors.
 *
 * In: [..., rows, k] and [..., k, columns], each of which may be transposed.  Out: matmul
 * (models/read/products.ts).
 * Source: TensorFlow Lite BATCH_MATMUL; int8 requantises once.
 */
import { type Layout, raised } from '../../layout.ts';
import { type Operand, productOf } from '../../products.ts';
import { type Context, Refusal, shapeOf, type Value } from '../context.ts';
import type { TfOperator } from '../model.ts';

export function lowerProduct(context: Context, op: TfOperator): void {
  const [x, y] = [context.value(op, 0), context.value(op, 1)];
  const options = context.options(op);
  const rank = Math.max(x.layout.length, y.layout.length, 2);
  const operand = (value: Value, isSecond: boolean): Operand => {
    const whole: Layout = raised(value.layout, rank);
    const isTransposed = options?.bool(isSecond ? 1 : 0) ?? false;
    const [first, last] = [whole.slice(-2, -1), whole.slice(-1)];
    const [own, summed] = isSecond === isTransposed ? [first, last] : [last, first];
    return { batch: whole.slice(0, -2), own, summed, shape: shapeOf(value) };
  };
  const found = productOf(operand(x, false), operand(y, true));
  if (typeof found === 'string') throw new Refusal(found);
  const ids = found.swapped ? [y.id, x.id] : [x.id, y.id];
  context.emit(op, 'matmul', ids, found.attrs, () => [...found.batch, ...found.own.flat()]);
}
