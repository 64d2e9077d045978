/**
 * numbersOf: reads numbers from a config or from the arguments of a call.
 *
 * In: JSON, which is not trusted: a number, nested lists, or Keras' form of an array.  Out: a constant.
 */
import { constantOf } from '../onnx/constants.ts';
import { type Const, countOf } from '../onnx/tensor.ts';
import { refuse } from './fail.ts';
import { isObject } from './model.ts';

/** Largest number of dimensions. A choice: values here have five at most. */
const maxRank = 8;

/** @throws Refusal */
export function numbersOf(x: unknown, what: string): Const {
  const isArray = isObject(x) && (x.class_name === '__tensor__' || x.class_name === '__numpy__') && isObject(x.config);
  const from = isArray ? (x.config as { value?: unknown }).value : x;
  const dims: number[] = [];
  for (let at = from; Array.isArray(at) && dims.length < maxRank; at = at[0]) dims.push(at.length);
  const data = (Array.isArray(from) ? from.flat(maxRank) : [from]) as unknown[];
  if (!data.every((n): n is number => typeof n === 'number' && Number.isFinite(n)) || !isRegular(from, dims))
    return refuse(`its ${what} is no number and no array of numbers`);
  return constantOf(data, dims, 'float32');
}

/** Checks that all rows have the length of the first row. */
function isRegular(x: unknown, dims: readonly number[]): boolean {
  const [length, ...rest] = dims;
  if (length === undefined) return !Array.isArray(x);
  return Array.isArray(x) && x.length === length && countOf([...dims]) > 0 && x.every((row) => isRegular(row, rest));
}
