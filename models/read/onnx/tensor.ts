/**
 * TensorProto: constants of an ONNX file.
 *
 * In: the wire at a TensorProto.  Out: a Const whose element count is exactly the product of its dims.
 * Source: onnx.proto, message TensorProto (raw_data is little-endian, row-major; int32_data holds the narrow types).
 */

import type { WireType } from '@bufbuild/protobuf/wire';
import { halfToFloat } from '../half.ts';
import { badTensor } from './refuse.ts';
import { type Fields, skip, type Wire } from './wire.ts';

export type ElementType =
  | 'float32'
  | 'float16'
  | 'float64'
  | 'bool'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64';
export type Numbers = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;

/** The integers behind a dequantised constant: real = scale * (data - zeroPoint). */
export interface Quantised {
  data: Int8Array | Uint8Array | Int32Array;
  /** One, or one per index of dimension `axis`. */
  scales: Float64Array;
  zeroPoints: Int32Array;
  axis: number;
}

export interface Const {
  kind: 'const';
  /** [] is a scalar. */
  dims: number[];
  type: ElementType;
  /** Row-major; int64 is held as double. */
  data: Numbers;
  quantised?: Quantised;
}

/** onnx.proto TensorProto.DataType. */
export const elementTypes: Readonly<Record<number, ElementType>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
};

const bytesPerElement: Readonly<Record<ElementType, number>> = {
  float32: 4,
  float16: 2,
  float64: 8,
  bool: 1,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
};

/** Zeroed storage for `count` elements. */
export function numbersOf(type: ElementType, count: number): Numbers {
  switch (type) {
    case 'float32':
    case 'float16':
      return new Float32Array(count);
    case 'int8':
      return new Int8Array(count);
    case 'uint8':
    case 'bool':
      return new Uint8Array(count);
    case 'int16':
      return new Int16Array(count);
    case 'uint16':
      return new Uint16Array(count);
    case 'int32':
      return new Int32Array(count);
    case 'uint32':
      return new Uint32Array(count);
    case 'float64':
    case 'int64':
      return new Float64Array(count);
  }
}

export const countOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/**
 * Reads one TensorProto; no value where its data lie in another file. Throws RN151 and RN152 (data do not
 * fit).
 */
export function readTensor(wire: Wire, wireType: WireType): { name: string; value: Const | undefined } {
  let name = '';
  let type = 0;
  let raw: Uint8Array | undefined;
  let external = false;
  const dims: number[] = [];
  const typed: number[] = [];
  let typedFields = 0;
  const list = (read: (w: Wire, t: WireType, into: number[]) => void) => (w: Wire, t: WireType) => {
    typedFields++;
    read(w, t, typed);
  };
  const handlers: Fields = {
    1: (w, t) => w.ints(t, dims),
    2: (w, t) => {
      type = w.int(t);
    },
    3: () => {
      throw badTensor(name, 'the tensor is stored in segments');
    },
    4: list((w, t, into) => w.floats(t, into)),
    5: list((w, t, into) => w.ints(t, into)),
    6: skip,
    7: list((w, t, into) => w.ints(t, into)),
    8: (w, t) => {
      name = w.text(t);
    },
    9: (w, t) => {
      raw = w.blob(t);
    },
    10: list((w, t, into) => w.doubles(t, into)),
    11: list((w, t, into) => w.ints(t, into)),
    12: skip,
    13: (w, t) => {
      external = true;
      w.skip(t);
    },
    14: (w, t) => {
      external = w.int(t) === 1;
    },
    16: skip,
  };
  wire.message(wireType, 'TensorProto', handlers);
  if (external) return { name, value: undefined };
  const element = elementTypes[type];
  if (!element) throw badTensor(name, `element type ${type} is not supported`);
  if (dims.length > 8 || !dims.every((d) => Number.isSafeInteger(d) && d >= 0))
    throw badTensor(name, `dims [${dims.slice(0, 9).join(', ')}] are no shape`);
  const count = countOf(dims);
  const stored = raw ? raw.length / bytesPerElement[element] : typed.length;
  if ((raw && typedFields > 0) || stored !== count) {
    throw badTensor(name, `${stored} elements are stored, [${dims.join(', ')}] needs ${count}`);
  }
  const data = numbersOf(element, count);
  if (raw) fromRaw(data, element, raw);
  else fromTyped(data, element, typed, name);
  return { name, value: { kind: 'const', dims, type: element, data } };
}

function fromRaw(data: Numbers, type: ElementType, raw: Uint8Array): void {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const step = bytesPerElement[type];
  for (let i = 0; i < data.length; i++) {
    const at = i * step;
    switch (type) {
      case 'float32':
        data[i] = view.getFloat32(at, true);
        break;
      case 'float16':
        data[i] = halfToFloat(view.getUint16(at, true));
        break;
      case 'float64':
        data[i] = view.getFloat64(at, true);
        break;
      case 'int64':
        data[i] = Number(view.getBigInt64(at, true));
        break;
      case 'int32':
      case 'uint32':
        data[i] = view.getInt32(at, true);
        break;
      case 'int16':
      case 'uint16':
        data[i] = view.getInt16(at, true);
        break;
      case 'int8':
      case 'uint8':
      case 'bool':
        data[i] = view.getInt8(at);
        break;
    }
  }
}

function fromTyped(data: Numbers, type: ElementType, typed: number[], name: string): void {
  const whole = type !== 'float32' && type !== 'float64';
  for (let i = 0; i < data.length; i++) {
    const value = typed[i] as number;
    if (whole && !Number.isInteger(value)) throw badTensor(name, `element ${i} is not an integer`);
    data[i] = type === 'float16' ? halfToFloat(value) : value;
    if (whole && type !== 'float16' && data[i] !== value) throw badTensor(name, `element ${i} = ${value} does not fit ${type}`);
  }
}
