/**
 * Quantisation: reads and checks the scales and zero points of a file's tensor.
 *
 * In: the QuantizationParameters table of a tensor.
 * Out: scales (exact float32 values in doubles), zero points and the dimension that they belong to; undefined
 * for float tensors and for tensors without parameters.
 * Errors: RN105.
 * Source: TensorFlow Lite 8-bit quantisation specification (int8 weights, int16 activations and biases have
 * zero point 0).
 */
import { RunletError } from '../../error.ts';
import { type QuantParams, sameParams } from '../../graph/types.ts';
import type { TfType } from './schema.ts';
import type { Table } from './view.ts';

export interface Quantisation {
  /** One scale, or one per element of dimension `dimension`. */
  scales: number[];
  zeroPoints: number[];
  dimension: number;
}

/** The fields of a file's tensor that this module reads. */
export interface QuantisedTensor {
  index: number;
  name: string;
  type: TfType;
  quant: Quantisation | undefined;
}

const zeroPointRange: Partial<Record<TfType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [0, 0],
  int32: [0, 0],
  int64: [0, 0],
};

export function readQuantisation(
  table: Table | undefined,
  type: TfType,
  shape: number[],
  where: string,
): Quantisation | undefined {
  const range = zeroPointRange[type];
  if (!table || !range) return undefined;
  const scales = table.float32s(2);
  const zeroPoints = table.int64s(3);
  const dimension = table.int32(6);
  if (scales.length === 0 && zeroPoints.length === 0) return undefined;
  if (table.uint8(4) !== 0) throw bad(where, 'its parameters are of a custom kind');
  if (zeroPoints.length !== scales.length) throw bad(where, `${scales.length} scales have ${zeroPoints.length} zero points`);
  if (scales.length > 1 && scales.length !== shape[dimension]) {
    throw bad(where, `${scales.length} scales do not fit dimension ${dimension} of [${shape.join(', ')}]`);
  }
  // the interpreter checks it even for a single scale (interpreter_builder.cc, ParseQuantization)
  if (dimension < 0 || (shape.length > 0 && dimension >= shape.length))
    throw bad(where, `its quantised dimension ${dimension} is none of [${shape.join(', ')}]`);
  const badScale = scales.find((s) => !(Number.isFinite(s) && s > 0));
  if (badScale !== undefined) throw bad(where, `scale ${badScale} is not positive and finite`);
  const badZero = zeroPoints.find((z) => z < range[0] || z > range[1]);
  if (badZero !== undefined) throw bad(where, `zero point ${badZero} is outside [${range.join(', ')}] of ${type}`);
  return { scales, zeroPoints, dimension };
}

/** Returns an activation's scale and zero point. @throws RunletError RN105 if it has none or several */
export function activationQuant(tensor: QuantisedTensor): QuantParams {
  const { scales, zeroPoints } = tensor.quant ?? { scales: [], zeroPoints: [] };
  const [scale] = scales;
  const [zeroPoint] = zeroPoints;
  if (scale === undefined || zeroPoint === undefined || scales.length !== 1) {
    throw bad(showTensor(tensor), `an activation of ${tensor.type} needs one scale and one zero point, found ${scales.length}`);
  }
  return tensor.type === 'int16' ? { scale, zeroPoint: 0, type: 'int16' } : { scale, zeroPoint };
}

/** Checks that an operator that does not requantise has the same scale and zero point in and out. */
export function sameQuant(a: QuantisedTensor, b: QuantisedTensor, where: string): void {
  if (![a, b].every(({ type }) => type === 'int8' || type === 'int16')) return;
  const [p, q] = [activationQuant(a), activationQuant(b)];
  if (sameParams(p, q)) return;
  const why = `scale ${p.scale} zero point ${p.zeroPoint} in, scale ${q.scale} zero point ${q.zeroPoint} out`;
  throw bad(where, `its input and output need the same parameters: ${why}`);
}

export const showTensor = (tensor: QuantisedTensor): string => `tensor ${tensor.index} '${tensor.name.slice(0, 96)}'`;

export const bad = (where: string, why: string): RunletError =>
  new RunletError('RN105', {
    what: 'quantisation parameters cannot be used',
    where,
    why,
    tryThis: 'convert the model again with full-integer quantisation',
  });
