/**
 * Lowers BATCH_MATMUL of two computed tensors.
 *
 * In: [..., rows, k] and [..., k, columns]; each may be transposed.
 * Out: matmul (models/read/products.ts).
 * Source: TensorFlow Lite BATCH_MATMUL; int8 requantises once.
 */
import { type Matrix, matricesOf, productOf } from '../../products.ts';
import { type Context, Refusal, shapeOf, type Value } from '../context.ts';
import type { TfOperator } from '../model.ts';

export function lowerProduct(context: Context, op: TfOperator): void {
  const [x, y] = [context.value(op, 0), context.value(op, 1)];
  const options = context.options(op);
  const matrix = (value: Value): Matrix => ({ layout: value.layout, shape: shapeOf(value) });
  const turned = (field: number): boolean => options?.bool(field) ?? false;
  const [a, b] = matricesOf([matrix(x), matrix(y)], [turned(0), turned(1)]);
  const found = productOf(a, b);
  if (typeof found === 'string') throw new Refusal(found);
  const ids = found.swapped ? [y.id, x.id] : [x.id, y.id];
  context.emit(op, 'matmul', ids, found.attrs, () => [...found.batch, ...found.own.flat()]);
}
