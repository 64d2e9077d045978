/**
 * Rewrites QOperator files of onnxruntime's quantize_static to their QDQ form: QLinearConv, QLinearMatMul,
 * QGemm, QLinearAdd and others.
 *
 * In: an operator on integers.  Out: DequantizeLinear of each operand, the operator on real values,
 * QuantizeLinear.
 * Source: ONNX QLinearConv-10, QLinearMatMul-21; onnxruntime contrib operators (com.microsoft), whose bias
 * has the scale alpha * scale of the first operand * scale of the second.
 */
import { type Given, int, type Rewrite } from './instead.ts';
import { refuse } from './refuse.ts';

interface Form {
  op: string;
  /** Input indexes of the operands; each is a value, followed by its scale and zero point. */
  operands: readonly number[];
  /** Input index of the output's scale; its zero point follows. */
  output: number;
  bias?: number;
  /** Returns the dimension of the weights with one scale per element. @param isTurned true: transB is 1. */
  axis?: (isTurned: boolean) => number;
}

const ofOne = (op: string): Form => ({ op, operands: [0], output: 3 });
const ofTwo = (op: string): Form => ({ op, operands: [0, 3], output: 6 });
const forms: Readonly<Record<string, Form>> = {
  QLinearConv: { ...ofTwo('Conv'), bias: 8, axis: () => 0 },
  QLinearMatMul: { ...ofTwo('MatMul'), axis: () => -1 },
  'com.microsoft.QGemm': { op: 'Gemm', operands: [0, 3], bias: 6, output: 7, axis: (isTurned) => (isTurned ? 0 : 1) },
  'com.microsoft.QLinearAdd': ofTwo('Add'),
  'com.microsoft.QLinearMul': ofTwo('Mul'),
  'com.microsoft.QLinearAveragePool': ofOne('AveragePool'),
  'com.microsoft.QLinearGlobalAveragePool': ofOne('GlobalAveragePool'),
  'com.microsoft.QLinearReduceMean': ofOne('ReduceMean'),
  'com.microsoft.QLinearLeakyRelu': ofOne('LeakyRelu'),
  'com.microsoft.QLinearSigmoid': ofOne('Sigmoid'),
  'com.microsoft.QLinearSoftmax': ofOne('Softmax'),
  // the operands follow the output's scale and zero point
  'com.microsoft.QLinearConcat': { op: 'Concat', operands: [], output: 0 },
};

const rewrite =
  (form: Form): Rewrite =>
  (made, { inputs, attributes: all }, given) => {
    // without a zero point the output has the first operand's type, which is not known here
    if (!inputs[form.output + 1]) refuse('its output has no zero point');
    if (given.int('channels_last', 0) !== 0) refuse('channels_last = 1');
    const { channels_last: _, alpha, ...rest } = Object.fromEntries(all) as Given;
    const axis = form.axis?.(given.int('transB', 0) === 1);
    const operands = form.operands.length > 0 ? form.operands : inputs.flatMap((_, i) => (i >= 2 && i % 3 === 2 ? [i] : []));
    const real = operands.map((at, i) => {
      const channels = i > 0 && axis !== undefined ? { axis: int(axis) } : {};
      return made.add('DequantizeLinear', inputs.slice(at, at + 3), channels);
    });
    const bias = form.bias === undefined ? undefined : inputs[form.bias];
    if (bias) {
      const product = made.add('Mul', [inputs[1], inputs[4]]);
      const scale = alpha ? made.add('Mul', [product, made.number(given.float('alpha', 1))]) : product;
      real.push(made.add('DequantizeLinear', [bias, scale], { axis: int(0) }));
    }
    const main = made.add(form.op, real, { ...rest, ...(alpha && { alpha }) });
    made.add('QuantizeLinear', [main, ...inputs.slice(form.output, form.output + 2)]);
    return main;
  };

export const integerOperators: Readonly<Record<string, Rewrite>> = Object.fromEntries(
  Object.entries(forms).map(([name, form]) => [name, rewrite(form)]),
);
