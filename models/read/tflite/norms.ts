/**
 * normsOf: finds layer normalisations that a TensorFlow Lite file writes in single operators.
 *
 * In: the file and its constants.
 * Out: by index, the operators that stand for a whole normalisation, and those that it makes unnecessary.
 * Float files only: an int8 file rounds every step, which one operator does not.
 * Source: TensorFlow Lite MEAN, SQUARED_DIFFERENCE, RSQRT and others; models/read/norm has the rule.
 */
import { type Found, findNorms, type Step, type StepKind } from '../norm/find.ts';
import type { Constant } from '../norm/form.ts';
import { isConstant, readFloats, readIntegers } from './constants.ts';
import type { Context } from './context.ts';
import type { TfOperator, TfTensor } from './model.ts';

const kinds: ReadonlyMap<string, StepKind> = new Map([
  ['ADD', 'add'],
  ['SUB', 'sub'],
  ['MUL', 'mul'],
  ['DIV', 'div'],
  ['SQUARED_DIFFERENCE', 'squared difference'],
  ['SQUARE', 'square'],
  ['SQRT', 'root'],
  ['RSQRT', 'inverse root'],
  ['NEG', 'negative'],
]);
const fused = new Set(['ADD', 'SUB', 'MUL', 'DIV']);

/** Statistics whose reduced dimensions were dropped, by tensor: their shape with these dimensions as 1. */
type Bare = Map<number, string>;

function mean(context: Context, op: TfOperator, bare: Bare): Step | undefined {
  const [x, axes] = [context.input(op, 0), context.input(op, 1)];
  if (!axes.constant) return undefined;
  const over = readIntegers(context, op, axes);
  const kept = x.shape.map((n, d) => (over.includes(d) || over.includes(d - x.shape.length) ? 1 : n));
  const [result = -1] = op.outputs;
  if (!context.options(op)?.bool(0)) {
    // a value that itself has a mean is no statistic of another value
    if (context.consumers.get(result)?.some((reader) => reader.op === 'MEAN')) return undefined;
    bare.set(result, kept.join());
  }
  return { kind: 'mean', inputs: op.inputs.slice(0, 1), axes: over };
}

function stepOf(context: Context, op: TfOperator, bare: Bare): Step | undefined {
  if (op.op === 'MEAN') return mean(context, op, bare);
  const [result = -1] = op.outputs;
  const full = op.inputs.map((index) => bare.get(index)).find((shape) => shape !== undefined);
  if (op.op === 'RESHAPE')
    return full === context.model.tensors[result]?.shape.join() ? { kind: 'same', inputs: op.inputs.slice(0, 1) } : undefined;
  const kind = kinds.get(op.op);
  if (!kind) return undefined;
  if (full !== undefined) {
    // such a statistic only meets one of the same shape, or a single number
    const fit = op.inputs.every((index) => bare.get(index) === full || context.model.tensors[index]?.shape.every((n) => n === 1));
    if (!fit) return undefined;
    bare.set(result, full);
  }
  const clamped = fused.has(op.op) && (context.options(op)?.int8(0) ?? 0) !== 0;
  return { kind, inputs: op.inputs, ...(clamped && { clamped }) };
}

export function normsOf(context: Context): Found {
  const { model, isInt8 } = context;
  if (isInt8) return { norms: new Map(), dropped: new Set() };
  const known = new Map<number, Constant | undefined>();
  const constant = (op: TfOperator, tensor: TfTensor): Constant | undefined =>
    tensor.type === 'float32' && isConstant(context, tensor)
      ? { dims: tensor.shape, data: readFloats(context, op, tensor) }
      : undefined;
  const bare: Bare = new Map();
  const steps = model.operators.map((op) => stepOf(context, op, bare));
  for (const [i, step] of steps.entries()) {
    const op = model.operators[i] as TfOperator;
    for (const index of step?.inputs ?? []) {
      const tensor = model.tensors[Number(index)];
      if (tensor && !known.has(tensor.index)) known.set(tensor.index, constant(op, tensor));
    }
  }
  return findNorms(
    model.operators.map(({ inputs, outputs }, i) => ({ inputs, outputs, step: steps[i] })),
    model.outputs,
    (id) => known.get(Number(id)),
  );
}
