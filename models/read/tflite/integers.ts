/**
 * Integers: shape arithmetic, done while reading.
 *
 * In: operators that compute an integer vector from shapes and constants (converters write them where the batch is dynamic).
 * Out: the vector, undefined where the operator or its inputs are not understood. All lie in one dimension, at most 64 elements.
 * Source: TensorFlow Lite SHAPE, GATHER, REDUCE_PROD, CONCATENATION, PACK, STRIDED_SLICE (masks: bit 0 is the only dimension), MUL.
 */
import { fileShapeOf } from '../layout.ts';
import { readIntegers } from './constants.ts';
import { type Context, malformed } from './context.ts';
import type { TfOperator } from './model.ts';

const most = 64;

/** Evaluates one integer operator; undefined where it cannot. */
export function foldIntegers(context: Context, op: TfOperator): number[] | undefined {
  if (op.op === 'SHAPE') {
    const value = context.values.get(op.inputs[0] ?? -1);
    return value && !value.batched ? fileShapeOf(value.layout) : undefined;
  }
  const inputs = op.inputs.map((_, i) => integersAt(context, op, i));
  const [first, second] = inputs;
  if (!first || inputs.some((values) => !values || values.length > most)) return undefined;
  switch (op.op) {
    case 'GATHER':
      return second?.map((i) => first[i] ?? outOfRange(op, i));
    case 'REDUCE_PROD':
      return [product(first)];
    case 'CONCATENATION':
    case 'PACK':
      return inputs.flatMap((values) => values ?? []).slice(0, most);
    case 'STRIDED_SLICE':
      return slice(op, first, inputs as number[][]);
    case 'MUL':
      return first.map((value, i) => value * (second?.[i] ?? second?.[0] ?? 1));
    default:
      return undefined;
  }
}

/** Input `i` as integers: a constant or an earlier result; undefined where it is neither. */
export function integersAt(context: Context, op: TfOperator, i: number): number[] | undefined {
  const tensor = context.input(op, i);
  return context.integers.get(tensor.index) ?? (tensor.constant ? readIntegers(context, op, tensor) : undefined);
}

function slice(op: TfOperator, values: number[], [, begin, end, stride]: number[][]): number[] | undefined {
  if (begin?.length !== 1 || end?.length !== 1 || stride?.length !== 1 || stride[0] !== 1) return undefined;
  const mask = (field: number) => ((op.options?.int32(field) ?? 0) & 1) === 1;
  const from = mask(0) ? 0 : (begin[0] as number);
  if (!mask(4)) return values.slice(from, mask(1) ? values.length : (end[0] as number));
  return [values.at(from) ?? outOfRange(op, from)];
}

export const product = (values: readonly number[]): number => values.reduce((a, b) => a * b, 1);

const outOfRange = (op: TfOperator, i: number): never => {
  throw malformed(op, `index ${i} is out of range`);
};
