/**
 * Functions that a model calls on tensors in addition to its layers, by Keras names (keras.ops) and by
 * TensorFlow names (TFOpLambda layers of Keras 2).
 */
import { lookup } from '../../../lookup.ts';
import {
  cast,
  composedOfOne,
  einsum,
  type LowerFunction,
  ofAll,
  ofOne,
  ofTwo,
  product,
  reduction,
  unaryFunctions,
  variance,
} from './arithmetic.ts';
import { concatenate, flip, getItem, move, moves, pad, repeat, split, stack, take, tile } from './parts.ts';

const functions: ReadonlyMap<string, LowerFunction> = new Map<string, LowerFunction>([
  ...Object.entries(composedOfOne),
  ...Object.entries(moves).map(([name, of]): [string, LowerFunction] => [name, move(of)]),
  ['Add', ofTwo('Add')],
  ['AddN', ofAll('Sum')],
  ['Concatenate', concatenate],
  ['Divide', ofTwo('Div')],
  ['Einsum', einsum],
  ['Flip', flip],
  ['GetItem', getItem],
  ['Matmul', product],
  ['Max', reduction('ReduceMax')],
  ['Maximum', ofTwo('Max')],
  ['Mean', reduction('ReduceMean')],
  ['Min', reduction('ReduceMin')],
  ['Minimum', ofTwo('Min')],
  ['Multiply', ofTwo('Mul')],
  ['Pad', pad],
  ['Power', ofTwo('Pow')],
  ['Repeat', repeat],
  ['Split', split],
  ['Stack', stack],
  ['Std', variance(true)],
  ['Subtract', ofTwo('Sub')],
  ['Sum', reduction('ReduceSum')],
  ['Take', take],
  ['Tile', tile],
  ['TrueDivide', ofTwo('Div')],
  ['Var', variance(false)],
  ['Cast', cast],
  ...['Copy', 'Identity', 'StopGradient'].map((name): [string, LowerFunction] => [name, (call) => [call.x]]),
]);

/** TensorFlow names that differ from the Keras names in more than spelling. */
const tensorflow: Readonly<Record<string, string>> = {
  getitem: 'GetItem',
  abs: 'Absolute',
  add_n: 'AddN',
  clip_by_value: 'Clip',
  concat: 'Concatenate',
  negative: 'Negative',
  pow: 'Power',
  reduce_max: 'Max',
  reduce_mean: 'Mean',
  reduce_min: 'Min',
  reduce_std: 'Std',
  reduce_sum: 'Sum',
  reduce_variance: 'Var',
  reverse: 'Flip',
  truediv: 'TrueDivide',
};

/** Returns the Keras name of a function: `Mean` for `math.reduce_mean`. Keras names do not change. */
export function functionName(className: string, config: Readonly<Record<string, unknown>>): string {
  if (className === 'SlicingOpLambda') return 'GetItem';
  if (className !== 'TFOpLambda') return className;
  const last = String(config.function).replace(/^.*\./, '');
  return lookup(tensorflow, last) ?? capitalised(last);
}

const capitalised = (snake: string): string => snake.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Returns the Keras names of all functions. */
export const functionNames = (): string[] => [...new Set([...functions.keys(), ...unaryFunctions().map(capitalised)])].sort();

export const functionOf = (name: string): LowerFunction | undefined => functions.get(name) ?? ofOne(name);
