/**
 * ARG_MAX over the channels: the index of the class with the largest score.
 *
 * In: a value; the axis as a constant.  Out: argmax. The index is int32 or int64 in the file, and a real
 * number here. Source: TensorFlow Lite ARG_MAX, which gives the first of equal values.
 */
import { indexOutput } from '../../../ops/argmax.ts';
import { showLayout } from '../../layout.ts';
import { readIntegers } from '../constants.ts';
import { type Context, factorsOf, Refusal, shapeOf } from '../context.ts';
import type { TfOperator } from '../model.ts';

export function lowerArgMax(context: Context, op: TfOperator): void {
  const value = context.value(op, 0);
  const [axis = -1] = readIntegers(context, op, context.input(op, 1));
  const dim = axis < 0 ? axis + value.layout.length : axis;
  const along = value.layout[dim] ? factorsOf(value.layout, dim) : [];
  const count = along.reduce((n, f) => n * f.length, 1);
  if (along.length === 0 || along.some((f) => f.axis !== 'c') || count !== shapeOf(value).c)
    throw new Refusal(`it runs over dimension ${axis} of ${showLayout(value.layout)}, not over the channels`);
  const id = context.node('argmax', [value.id], { last: false }, op.name, context.isInt8 ? indexOutput : undefined);
  const layout = value.layout.filter((_, i) => i !== dim);
  context.bind(op, { id, layout, type: 'float32', isIndex: true });
}
