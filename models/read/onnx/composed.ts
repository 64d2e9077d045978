/**
 * Rewrites ONNX operators that consist of a few others: sums of several values, reductions of powers,
 * poolings of a norm.
 *
 * In: a node.  Out: nodes.  Source: the function definitions of ONNX Sum-13, Mean-13, ReduceL1-18,
 * ReduceL2-18, ReduceSumSquare-18, ReduceLogSum-18, ReduceLogSumExp-18, ReduceMin-20, LpPool-22,
 * MeanVarianceNormalization-13.
 */
import { type Given, type Instead, int, ints, type Rewrite } from './instead.ts';
import { refuse } from './refuse.ts';

/** Rewrites to the reduction `op` over the same axes, between functions of one value. */
const between =
  (before: readonly string[], op: string, after: readonly string[]): Rewrite =>
  (made, { inputs: [x = '', axes], attributes }) => {
    const chained = (ops: readonly string[], from: string) => ops.reduce((value, one) => applied(made, one, value), from);
    const reduced = made.add(op, [chained(before, x), axes], Object.fromEntries(attributes));
    chained(after, reduced);
    return reduced;
  };

const applied = (made: Instead, op: string, x: string): string =>
  op === 'Square' ? made.add('Pow', [x, made.number(2)]) : made.add(op, [x]);

const summed = (made: Instead, [first = '', ...rest]: readonly string[]): string =>
  rest.reduce((sum, value) => made.add('Add', [sum, value]), rest.length > 0 ? first : made.add('Identity', [first]));

export const composed: Readonly<Record<string, Rewrite>> = {
  Sum: (made, { inputs }) => summed(made, inputs),
  Mean: (made, { inputs }) => made.add('Mul', [summed(made, inputs), made.number(1 / inputs.length)]),
  ReduceL1: between(['Abs'], 'ReduceSum', []),
  ReduceL2: between(['Square'], 'ReduceSum', ['Sqrt']),
  ReduceSumSquare: between(['Square'], 'ReduceSum', []),
  ReduceLogSum: between([], 'ReduceSum', ['Log']),
  ReduceLogSumExp: between(['Exp'], 'ReduceSum', ['Log']),
  ReduceMin: between(['Neg'], 'ReduceMax', ['Neg']),
  LpPool: (made, { inputs: [x = ''], attributes }, given) => {
    const p = given.int('p', 2);
    if (p < 1) refuse(`p = ${p}`);
    const { p: _, ...rest } = Object.fromEntries(attributes) as Given;
    const places = (given.ints('kernel_shape') ?? []).reduce((n, length) => n * length, 1);
    const powers = p === 1 ? made.add('Abs', [x]) : made.add('Pow', [p % 2 === 1 ? made.add('Abs', [x]) : x, made.number(p)]);
    const mean = made.add('AveragePool', [powers], { ...rest, count_include_pad: int(1) });
    const sum = made.add('Mul', [mean, made.number(places)]);
    if (p > 1) made.add('Pow', [sum, made.number(1 / p)]);
    return mean;
  },
  MeanVarianceNormalization: (made, { inputs: [x] }, given) => {
    const over = { axes: ints(...(given.ints('axes') ?? [0, 2, 3])), keepdims: int(1) };
    const mean = (of: string | undefined) => made.add('ReduceMean', [of], over);
    const centred = made.add('Sub', [x, mean(x)]);
    const variance = mean(made.add('Pow', [centred, made.number(2)]));
    // the definition adds 1e-9 to the root
    const root = made.add('Sqrt', [made.add('Add', [variance, made.number(1e-18)])]);
    return made.add('Div', [centred, root]);
  },
};
