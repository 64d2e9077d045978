/**
 * Writes a TensorFlow Lite file with one function of one value.
 *
 * In: the operator, a constant operand, and the quantisation for an int8 file.  Out: the bytes. Input and
 * output are [1, 64, 1], or [1, 256, 1] in int8.
 */
import type { QuantParams } from '../../models/graph/types.ts';
import { type TfModelOf, writeTflite } from './tflite-model.ts';

/** BuiltinOperator of schema.fbs. */
// biome-ignore format: a table
export const codes: Record<string, number> = {
  ABS: 101, CEIL: 104, COS: 108, ELU: 111, EXP: 47, FLOOR: 8, GELU: 150, HARD_SWISH: 117, LOG: 73, MAXIMUM: 55, MINIMUM: 57, NEG: 59, POW: 78,
  RELU_0_TO_1: 152, ROUND: 116, RSQRT: 76, SIGN: 158, SIN: 66, SQRT: 75, SQUARE: 92, LOGISTIC: 14, TANH: 28,
};
/** BuiltinOptions of schema.fbs. */
// biome-ignore format: a table
const options: Record<string, number> = { ABS: 78, COS: 84, EXP: 33, GELU: 116, HARD_SWISH: 91, MAXIMUM: 39, MINIMUM: 39, NEG: 42, POW: 56, SIGN: 123, SQUARE: 66 };

export interface Made {
  op: string;
  approximate?: boolean;
  constant?: number[];
  quant?: { x: QuantParams; y: QuantParams };
}

const fixed: Record<string, QuantParams> = {
  LOGISTIC: { scale: 1 / 256, zeroPoint: -128 },
  TANH: { scale: 1 / 128, zeroPoint: 0 },
};
const quantOf = ({ scale, zeroPoint }: QuantParams) => ({ quant: { scales: [scale], zeroPoints: [zeroPoint] } });

export function unaryFile({ op, approximate, constant, quant }: Made): Uint8Array {
  const shape = [1, quant ? 256 : 64, 1];
  const of = (params: QuantParams | undefined) => ({ shape, ...(params && { type: 9, ...quantOf(params) }) });
  const k = constant && {
    shape: [constant.length],
    ...(quant ? { int8s: constant, ...quantOf(quant.x) } : { floats: constant }),
  };
  const kind = options[op];
  const model: TfModelOf = {
    tensors: { x: of(quant?.x), ...(k && { k }), y: of(quant && (fixed[op] ?? quant.y)) },
    operators: [
      {
        code: codes[op] as number,
        inputs: k ? ['x', 'k'] : ['x'],
        outputs: ['y'],
        ...(kind !== undefined && { options: { kind, ...(approximate && { int8: { 0: 1 } }) } }),
      },
    ],
    inputs: ['x'],
    outputs: ['y'],
  };
  return writeTflite(model);
}
