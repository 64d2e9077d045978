/**
 * Constants: reads weights, biases and shape arguments as typed arrays.
 *
 * In: a constant tensor of the file.
 * Out: copies in the file's order.
 * Errors: RN106 (not a constant, wrong type), RN107 (a value that is not finite); Refusal for weight types
 * that are not read.
 * Cost: O(elements), charged to the view's budget.
 */

import { RunletError } from '../../error.ts';
import type { Ints, Weights } from '../../graph/types.ts';
import { lookup } from '../../lookup.ts';
import { halfToFloat } from '../half.ts';
import { type Context, malformed, Refusal } from './context.ts';
import type { TfOperator, TfTensor } from './model.ts';
import { bad, showTensor } from './quantisation.ts';

/** Returns an aligned copy of a constant's bytes. */
function bytesOf(context: Context, op: TfOperator, tensor: TfTensor): ArrayBuffer {
  const { constant } = tensor;
  if (!constant) {
    if (tensor.shape.includes(0)) return new ArrayBuffer(0);
    throw malformed(op, `${showTensor(tensor)} is expected to be a constant`);
  }
  context.model.view.spend(constant.byteOffset - context.model.view.bytes.byteOffset, constant.length);
  // the constructor copies; the slice of a Node Buffer would be a view of its pool
  return new Uint8Array(constant).buffer;
}

/** Reads a shape argument (axes, paddings, a permutation) of int32 or int64. */
export function readIntegers(context: Context, op: TfOperator, tensor: TfTensor): number[] {
  if (tensor.type === 'int64') return Array.from(new BigInt64Array(bytesOf(context, op, tensor)), Number);
  if (tensor.type !== 'int32') throw malformed(op, `${showTensor(tensor)} is ${tensor.type}, integers are expected`);
  return Array.from(new Int32Array(bytesOf(context, op, tensor)));
}

/** Reads a float constant, or one that DEQUANTIZE computed. @param unbounded an infinity that is allowed */
export function readFloats(context: Context, op: TfOperator, tensor: TfTensor, unbounded?: number): Float32Array {
  const folded = context.folded.get(tensor.index);
  if (folded) return folded;
  if (tensor.type !== 'float32') throw new Refusal(`${showTensor(tensor)} is ${tensor.type} in a float model`);
  return finite(new Float32Array(bytesOf(context, op, tensor)), tensor, unbounded);
}

/** Reads an int8 or int16 constant as it is stored. */
export function readStored(context: Context, op: TfOperator, tensor: TfTensor): Ints {
  if (tensor.type === 'int8') return new Int8Array(bytesOf(context, op, tensor));
  if (tensor.type === 'int16') return new Int16Array(bytesOf(context, op, tensor));
  throw new Refusal(`${showTensor(tensor)} is ${tensor.type} in an int8 model`);
}

/** Reads a float16 constant as float32. */
export function readHalves(context: Context, op: TfOperator, tensor: TfTensor): Float32Array {
  const halves = new Uint16Array(bytesOf(context, op, tensor));
  return finite(Float32Array.from(halves, halfToFloat), tensor);
}

export const isConstant = (context: Context, tensor: TfTensor): boolean =>
  tensor.constant !== undefined || context.folded.has(tensor.index);

/**
 * Reads the real values of a quantised constant: scale * (q - zero point), with one scale or one per index of
 * the quantised dimension. Each product of an integer and a float32 is rounded once, as in DEQUANTIZE.
 */
export function readDequantised(context: Context, op: TfOperator, tensor: TfTensor): Float32Array {
  const stored = lookup(integerArrays, tensor.type);
  if (!stored || !tensor.constant) throw new Refusal(`it dequantises a constant of ${tensor.type}`);
  const { scales, zeroPoints, dimension } = tensor.quant ?? { scales: [], zeroPoints: [], dimension: 0 };
  if (scales.length === 0) throw bad(op.name, `the constant ${showTensor(tensor)} has no scale`);
  const integers = new stored(bytesOf(context, op, tensor));
  // the float32 copy needs more memory than the file's bytes
  context.model.view.spend(0, 4 * integers.length - integers.byteLength);
  const inner = tensor.shape.slice(dimension + 1).reduce((product, n) => product * n, 1);
  const channelOf = (i: number): number => (scales.length > 1 ? Math.floor(i / inner) % scales.length : 0);
  const real = Float32Array.from(integers, (q, i) => {
    const c = channelOf(i);
    return (scales[c] as number) * (q - (zeroPoints[c] as number));
  });
  return finite(real, tensor);
}

const integerArrays = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, int32: Int32Array } as const;

/** Reads the real values of a constant of any of these types, in any subgraph. */
export function readReals(context: Context, op: TfOperator, tensor: TfTensor): ArrayLike<number> {
  if (tensor.type === 'float32') return finite(new Float32Array(bytesOf(context, op, tensor)), tensor);
  if (tensor.type === 'float16') return readHalves(context, op, tensor);
  return tensor.type === 'int32' && !tensor.quant ? readIntegers(context, op, tensor) : readDequantised(context, op, tensor);
}

/** Checks that int8 weights have zero points of 0, and one scale or one per output channel. */
function checkScales(op: TfOperator, tensor: TfTensor, perChannel: number): void {
  const { scales, zeroPoints, dimension } = tensor.quant ?? { scales: [], zeroPoints: [], dimension: 0 };
  if (scales.length === 0) throw bad(op.name, `the weights ${showTensor(tensor)} have no scale`);
  if (zeroPoints.some((z) => z !== 0)) throw bad(op.name, `the weights ${showTensor(tensor)} have a zero point that is not 0`);
  if (scales.length > 1 && dimension !== perChannel) {
    throw bad(op.name, `the weights' scales run over dimension ${dimension}, not over the output channels (${perChannel})`);
  }
}

/**
 * Reads weights in the file's order. A float graph gets the real values of int8 weights (dynamic-range
 * quantisation). @param perChannel file dimension of the output channels
 */
export function readWeights(context: Context, op: TfOperator, tensor: TfTensor, perChannel: number): Weights {
  if (!context.isInt8) {
    if (tensor.type !== 'int8') return { data: readFloats(context, op, tensor) };
    checkScales(op, tensor, perChannel);
    context.hybrid.push(op.name);
    return { data: readDequantised(context, op, tensor) };
  }
  if (tensor.type !== 'int8') throw new Refusal(`its weights are ${tensor.type}; int8 weights are read`);
  checkScales(op, tensor, perChannel);
  return {
    data: new Int8Array(bytesOf(context, op, tensor)),
    scales: Float64Array.from(tensor.quant?.scales ?? []),
    scaleRule: 'per-channel',
  };
}

/**
 * Reads the bias, input `at`, of `channels` elements: float, or int32 in integer graphs; null if absent. Its
 * scale must be the input's scale times the weights', within the limit of TensorFlow Lite. With int16
 * activations the file's bias must be int64, because kernels with an int32 bias round twice (docs/adr/0020).
 */
export function readBias(
  context: Context,
  op: TfOperator,
  channels: number,
  weights: Weights,
  { at = 2, input = 0 } = {},
): Float32Array | Int32Array | null {
  const isWide = context.model.tensors[op.outputs[0] ?? -1]?.type === 'int16';
  if ((op.inputs[at] ?? -1) === -1) {
    if (isWide && op.op.endsWith('CONV_2D')) throw new Refusal('it has no bias, which LiteRT requires for int16');
    return null;
  }
  const tensor = context.input(op, at);
  const scaleOf = (index = -1) => context.model.tensors[index]?.quant?.scales[0] ?? 1;
  const [inputScale, outputScale] = [scaleOf(op.inputs[input]), scaleOf(op.outputs[0])];
  const count = (data: Float32Array | Int32Array) => {
    if (data.length !== channels) throw malformed(op, `its bias has ${data.length} elements, ${channels} are expected`);
    return data;
  };
  if (!context.isInt8) return count(readFloats(context, op, tensor));
  const wanted = isWide ? 'int64' : 'int32';
  if (tensor.type !== wanted) throw new Refusal(`its bias is ${tensor.type}; ${wanted} is read`);
  const { scales: biasScales } = tensor.quant ?? { scales: [] };
  for (let c = 0; c < biasScales.length; c++) {
    const product = inputScale * (weights.scales?.[c] ?? weights.scales?.[0] ?? 0);
    if (Math.abs(product - (biasScales[c] as number)) / outputScale > 0.02) {
      throw bad(op.name, `bias scale ${biasScales[c]} is not input scale times weight scale (${product})`);
    }
  }
  const bytes = bytesOf(context, op, tensor);
  return count(isWide ? narrowed(new BigInt64Array(bytes)) : new Int32Array(bytes));
}

function narrowed(bias: BigInt64Array): Int32Array {
  const far = bias.find((b) => b !== BigInt.asIntN(32, b));
  if (far !== undefined) throw new Refusal(`its bias ${far} is larger than int32, the type that kernels read`);
  return Int32Array.from(bias, Number);
}

function finite(data: Float32Array, tensor: TfTensor, unbounded?: number): Float32Array {
  const at = data.findIndex((x) => !Number.isFinite(x) && x !== unbounded);
  if (at < 0) return data;
  throw new RunletError('RN107', {
    what: `a constant holds ${data[at]}`,
    where: `${showTensor(tensor)}, element ${at}`,
    why: 'weights must be finite',
    tryThis: 'train or export the model again',
  });
}
