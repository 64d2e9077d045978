/**
 * Lowers operators on zeros: an unrolled recurrence starts with a state of zeros (FILL).
 *
 * In: an operator of a float model with some inputs that are zeros.
 * Out: its lowering; undefined if it is lowered like any other operator.
 * Source: TensorFlow Lite converter, LSTM and GRU with unroll.
 */
import type { Context } from '../context.ts';
import type { TfOperator } from '../model.ts';

type Lower = (context: Context, op: TfOperator) => void;

const zeros: Lower = (context, op) => {
  const made = context.output(op);
  context.zeros.set(made.index, made.shape);
  // the layers that compute the other factor may not be needed any more
  context.folds = true;
};

const other =
  (i: number): Lower =>
  (context, op) =>
    context.bind(op, context.value(op, i));

export function ofZeros(context: Context, op: TfOperator): Lower | undefined {
  const given = op.inputs.map((index) => context.zeros.has(index));
  if (context.isInt8 || !given.includes(true) || (context.options(op)?.int8(0) ?? 0) !== 0) return undefined;
  const sameShape = (i: number) => context.input(op, i).shape.join() === context.output(op).shape.join();
  switch (op.op) {
    case 'MUL':
    case 'TANH':
      return zeros;
    case 'FULLY_CONNECTED':
      return given[0] && (op.inputs[2] ?? -1) < 0 ? zeros : undefined;
    case 'ADD': {
      const rest = given.indexOf(false);
      return rest < 0 ? zeros : sameShape(rest) ? other(rest) : undefined;
    }
  }
  return undefined;
}
