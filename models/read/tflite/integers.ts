/**
 * Integers: evaluates shape arithmetic while reading.
 *
 * In: operators that compute an integer vector from shapes and constants (converters write them for a dynamic
 * batch).
 * Out: the vector; undefined if the operator or an input is unknown. Vectors have one dimension and at most
 * 64 elements. Booleans are 0 and 1.
 * Source: TensorFlow Lite SHAPE, GATHER, REDUCE_PROD, CONCATENATION, PACK, STRIDED_SLICE (masks: bit 0 is the
 * only dimension), SLICE, ADD, SUB, MUL, EQUAL, WHERE, SPARSE_TO_DENSE, CAST, RESHAPE.
 */
import { lookup } from '../../lookup.ts';
import { fileShapeOf } from '../layout.ts';
import { readIntegers } from './constants.ts';
import { type Context, malformed } from './context.ts';
import type { TfOperator } from './model.ts';

const maxElements = 64;

/** Evaluates one integer operator; undefined if that is not possible. */
export function foldIntegers(context: Context, op: TfOperator): number[] | undefined {
  if (op.op === 'SHAPE') {
    const value = context.values.get(op.inputs[0] ?? -1);
    return value && !value.batched ? fileShapeOf(value.layout) : undefined;
  }
  const inputs = op.inputs.map((_, i) => integersAt(context, op, i));
  const [first, second] = inputs;
  if (!first || inputs.some((values) => !values || values.length > maxElements)) return undefined;
  switch (op.op) {
    case 'GATHER':
      return second?.map((i) => first[i] ?? outOfRange(op, i));
    case 'REDUCE_PROD':
      return [product(first)];
    case 'CONCATENATION':
    case 'PACK':
      return inputs.flatMap((values) => values ?? []).slice(0, maxElements);
    case 'STRIDED_SLICE':
      return slice(op, first, inputs as number[][]);
    case 'SLICE':
      return part(op, first, inputs as number[][]);
    case 'CAST':
    case 'RESHAPE':
      return first;
    case 'WHERE':
      return first.flatMap((value, i) => (value === 0 ? [] : [i]));
    case 'SPARSE_TO_DENSE':
      return dense(op, inputs as number[][]);
  }
  const of = lookup(pairs, op.op);
  if (!of || !second) return undefined;
  const [long, short] = first.length >= second.length ? [first, second] : [second, first];
  if (short.length !== 1 && short.length !== long.length)
    throw malformed(op, `it joins ${first.length} and ${second.length} integers`);
  return long.map((_, i) => of((first[i] ?? first[0]) as number, (second[i] ?? second[0]) as number));
}

const pairs: Record<string, (a: number, b: number) => number> = {
  ADD: (a, b) => a + b,
  SUB: (a, b) => a - b,
  MUL: (a, b) => a * b,
  EQUAL: (a, b) => Number(a === b),
};

/** Evaluates SPARSE_TO_DENSE: a vector of one value, with other values at some places. */
function dense(op: TfOperator, [places = [], length = [], values = [], fill = []]: number[][]): number[] | undefined {
  const [n = 0] = length;
  if (length.length !== 1 || n > maxElements || fill.length !== 1) return undefined;
  const all: number[] = Array(n).fill(fill[0]);
  for (const [i, at] of places.entries()) {
    if (!(at >= 0 && at < n)) return outOfRange(op, at);
    all[at] = values[i] ?? values[0] ?? 0;
  }
  return all;
}

/** Returns input `i` as integers, from a constant or an earlier result; undefined if it is neither. */
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

/** Evaluates SLICE. A size of -1 takes all elements that are left. */
function part(op: TfOperator, values: number[], [, begin, size]: number[][]): number[] | undefined {
  if (begin?.length !== 1 || size?.length !== 1) return undefined;
  const [from, length] = [begin[0] as number, size[0] as number];
  const to = length === -1 ? values.length : from + length;
  if (!(from >= 0 && from <= to)) return outOfRange(op, from);
  return to > values.length ? outOfRange(op, to) : values.slice(from, to);
}

export const product = (values: readonly number[]): number => values.reduce((a, b) => a * b, 1);

const outOfRange = (op: TfOperator, i: number): never => {
  throw malformed(op, `index ${i} is out of range`);
};
