/**
 * withTables: turns functions of one value that an int8 file computes in float into tables of 256 entries.
 * TensorFlow Lite has no int8 kernel for these functions.
 *
 * In: a file with DEQUANTIZE, such a function and QUANTIZE.
 * Out: the file with the function on integers in place of QUANTIZE; live.ts removes the two operators before
 * it. A function stays as it is if the quantiser has integer arithmetic for it, or if it is not defined
 * everywhere.
 * Source: TensorFlow Lite dequantize.h and quantize.h, which round as LUTPopulate does.
 */
import { inIntegers, unaryNames, unaryOf } from '../../ops/unary.ts';
import { makersOf, type TfModel } from './model.ts';

export function withTables(model: TfModel): TfModel {
  const makers = makersOf(model);
  const operators = model.operators.map((op) => {
    const made = op.op === 'QUANTIZE' ? makers.get(op.inputs[0] ?? -1) : undefined;
    const from = made && makers.get(made.inputs[0] ?? -1);
    const fn = unaryNames.tflite.get(made?.op ?? '')?.fn;
    if (!made || !fn || from?.op !== 'DEQUANTIZE' || unaryOf(fn).domain || inIntegers.some((name) => name === fn)) return op;
    const [x, y] = [from.inputs, op.outputs].map(([index = -1]) => model.tensors[index]);
    const isStored = x?.type === 'int8' && y?.type === 'int8' && !x.constant;
    return isStored ? { ...made, index: op.index, inputs: from.inputs, outputs: op.outputs, isReal: true } : op;
  });
  return { ...model, operators };
}
