/**
 * normsOf: operators of a TensorFlow Lite file as steps of a layer normalisation.
 *
 * In: the file and its constants.  Out: by index, operators that stand for a whole normalisation, and those that belong to one.
 * float alone: an int8 file rounds every step, which one operator does not.  Source: TensorFlow Lite MEAN, SQUARED_DIFFERENCE,
 * RSQRT and others; models/read/norm has the rule.
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

function mean(context: Context, op: TfOperator): Step | undefined {
  const axes = context.model.tensors[op.inputs[1] ?? -1];
  if (!axes?.constant || !context.options(op)?.bool(0)) return undefined;
  return { kind: 'mean', inputs: op.inputs.slice(0, 1), axes: readIntegers(context, op, axes) };
}

function stepOf(context: Context, op: TfOperator): Step | undefined {
  if (op.op === 'MEAN') return mean(context, op);
  const kind = kinds.get(op.op);
  if (!kind) return undefined;
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
  const steps = model.operators.map((op) => stepOf(context, op));
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
