/**
 * Functions of one value and of two, reductions, and products.
 *
 * In: calls.  Out: values of ONNX operators.  Source: keras.ops (numpy and nn); the names of functions of one
 * value are in models/ops/unary.ts.
 */
import { unaryNames } from '../../../ops/unary.ts';
import { type Value as AnyValue, dimsOf } from '../../onnx/values.ts';
import { snakeOf } from '../config.ts';
import { refuse } from '../fail.ts';
import { activationNames, activationOf } from '../lower/pointwise.ts';
import { numbersOf } from '../numbers.ts';
import type { Call } from './call.ts';

export type LowerFunction = (call: Call) => AnyValue[];

/** Lowers a function of two operands; either may be numbers. */
export const ofTwo =
  (op: string): LowerFunction =>
  (call) => [call.onnx(op, [call.operand(0), call.operand(1)])];

/** Transposes the last two dimensions; the others keep their order. */
function turned(call: Call, x: AnyValue, part: string): AnyValue {
  const { length } = x.kind === 'poisoned' ? refuse('it reads what is not there') : dimsOf(x);
  if (length < 3) refuse('a transposed matrix without a batch');
  return call.onnx('Transpose', [x], { perm: [...Array(length - 2).keys(), length - 1, length - 2] }, part);
}

/** Lowers a matrix product, for which TensorFlow may transpose its operands. */
export const product: LowerFunction = (call) => {
  const operands = ['a', 'b'].map((name, at) => {
    const x = call.operand(at);
    return call.field(`transpose_${name}`) === true ? turned(call, x, name) : x;
  });
  return [call.onnx('MatMul', operands)];
};

/** Lowers a function of all its operands. */
export const ofAll =
  (op: string): LowerFunction =>
  (call) => [call.onnx(op, call.list)];

/** Keras names of functions that TensorFlow's operators name differently. */
const others: Readonly<Record<string, string>> = { Absolute: 'Abs', Negative: 'Neg' };

/** Returns names of functions of one value, in Keras' spelling or in snake case. */
export const unaryFunctions = (): string[] => [
  ...unaryNames.tfjs.keys(),
  ...activationNames,
  ...[...unaryNames.graph.keys()].filter((name) => !Object.values(others).includes(name)),
  ...Object.keys(others),
];

/** Returns the lowering of a function of one value; undefined if the name is unknown. */
export function ofOne(className: string): LowerFunction | undefined {
  const snake = snakeOf(className);
  const graph = unaryNames.graph.get(others[className] ?? className);
  if (className === 'Negative') return (call) => [call.onnx('Neg', [call.x])];
  if (!activationOf(snake) && !graph) return undefined;
  return (call) => {
    const x = call.ctx.activation(call.ctx.view(call.name, [call.x]), 0);
    const alpha = call.field('negative_slope', 'alpha', 'slope');
    const isTanh = className === 'Gelu' && call.field('approximate') === true;
    const known = activationOf(isTanh ? 'gelu_new' : snake);
    const given = typeof alpha === 'number' && Number.isFinite(alpha) ? alpha : undefined;
    if (known) return [known(call.ctx, x, call.name, given)];
    const attrs = { ...graph, ...(given !== undefined && { alpha: given }) } as NonNullable<typeof graph>;
    return [call.ctx.put('activation', [x], attrs, call.name, () => x.layout)];
  };
}

/** Functions that are lowered to several operators. */
export const composedOfOne: Readonly<Record<string, LowerFunction>> = {
  Clip: (call) => {
    const bounds = [call.field('x_min', 'clip_value_min'), call.field('x_max', 'clip_value_max')];
    return [call.onnx('Clip', [call.x, ...bounds.map((bound) => numbersOf(bound, 'bound'))])];
  },
  Log1p: (call) => [call.onnx('Log', [call.onnx('Add', [call.x, call.number(1)], {}, 'one')])],
  Expm1: (call) => [call.onnx('Sub', [call.onnx('Exp', [call.x], {}, 'exp'), call.number(1)])],
  Log10: (call) => [call.onnx('Mul', [call.onnx('Log', [call.x], {}, 'log'), call.number(Math.LOG10E)])],
  Log2: (call) => [call.onnx('Mul', [call.onnx('Log', [call.x], {}, 'log'), call.number(Math.LOG2E)])],
  LogSigmoid: (call) => {
    const minus = call.onnx('Neg', [call.x], {}, 'minus');
    return [call.onnx('Neg', [call.onnx('Softplus', [minus], {}, 'softplus')])];
  },
  Softmax: (call) => [call.onnx('Softmax', [call.x], { axis: call.axis(-1) })],
  LogSoftmax: (call) => [call.onnx('LogSoftmax', [call.x], { axis: call.axis(-1) })],
  Normalize: (call) => {
    if (call.field('order') !== undefined && call.field('order') !== 2) refuse('an order other than 2');
    return [call.onnx('LpNormalization', [call.x], { axis: call.axis(-1), p: 2 })];
  },
};

/** Lowers a cast to a float type; other types are refused. */
export const cast: LowerFunction = (call) => {
  const type = String(call.field('dtype'));
  return /^(b?float|half|double)/.test(type) ? [call.x] : refuse(`a cast to ${type.slice(0, 20)}`);
};

const reducedOf = (call: Call, op: string, x: AnyValue, keep: boolean, part = ''): AnyValue => {
  if (call.field('initial', 'where') !== undefined) refuse('it begins with a value of its own');
  const axes = call.integers('axis', 'reduction_indices') ?? refuse('it reduces the batch too: give its axis');
  return call.onnx(op, [x], { axes, keepdims: Number(keep) }, part);
};

const keeps = (call: Call): boolean => call.field('keepdims', 'keep_dims') === true;

export const reduction =
  (op: string): LowerFunction =>
  (call) => [reducedOf(call, op, call.x, keeps(call))];

/** Lowers mean((x - mean(x))^2), or its root. */
export const variance =
  (root: boolean): LowerFunction =>
  (call) => {
    const { x } = call;
    const centred = call.onnx('Sub', [x, reducedOf(call, 'ReduceMean', x, true, 'mean')], {}, 'apart');
    const squares = call.onnx('Mul', [centred, centred], {}, 'squares');
    const found = reducedOf(call, 'ReduceMean', squares, keeps(call), root ? 'variance' : '');
    return [root ? call.onnx('Sqrt', [found]) : found];
  };

export const einsum: LowerFunction = (call) => {
  const equation = call.field('subscripts', 'equation');
  return [call.onnx('Einsum', call.list, { equation: typeof equation === 'string' ? equation : refuse('no equation') })];
};
