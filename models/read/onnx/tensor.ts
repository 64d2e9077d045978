/**
 * TensorProto: constants of an ONNX file.
 *
 * In: a Wire positioned at a TensorProto..  Out: a Const whose element count is exactly the product of its
 * dims.
 * Source: onnx.proto, message TensorProto (raw_data is little-endian, row-major; int32_data holds the narrow
 * types).
 */

import type { WireType } from '@bufbuild/protobuf/wire';
import { halfToFloat } from '../half.ts';
import { badTensor } from './refuse.ts';
import { type Fields, int, into, skipped, text, type Wire } from './wire.ts';

export type Numbers = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;

/** The integers of a dequantised constant: real = scale * (data - zeroPoint). */
export interface Quantised {
  data: Int8Array | Uint8Array | Int32Array;
  /** One scale, or one for each index of dimension `axis`. */
  scales: Float64Array;
  zeroPoints: Int32Array;
  axis: number;
}

export interface Const {
  kind: 'const';
  /** [] for a scalar. */
  dims: number[];
  type: ElementType;
  /** Row-major; int64 is stored as double. */
  data: Numbers;
  quantised?: Quantised;
}

type Get = (view: DataView, at: number) => number;
type Store = new (count: number) => Numbers;

// biome-ignore format: a table
/**
 * For each type: its code in TensorProto.DataType of onnx.proto, bytes per element, the function that reads
 * one element, the array for many. int64 is stored as double.
 */
const types = {
  float32: [1, 4, (v, at) => v.getFloat32(at, true), Float32Array],
  uint8: [2, 1, (v, at) => v.getUint8(at), Uint8Array],
  int8: [3, 1, (v, at) => v.getInt8(at), Int8Array],
  uint16: [4, 2, (v, at) => v.getUint16(at, true), Uint16Array],
  int16: [5, 2, (v, at) => v.getInt16(at, true), Int16Array],
  int32: [6, 4, (v, at) => v.getInt32(at, true), Int32Array],
  int64: [7, 8, (v, at) => Number(v.getBigInt64(at, true)), Float64Array],
  bool: [9, 1, (v, at) => v.getUint8(at), Uint8Array],
  float16: [10, 2, (v, at) => halfToFloat(v.getUint16(at, true)), Float32Array],
  float64: [11, 8, (v, at) => v.getFloat64(at, true), Float64Array],
  uint32: [12, 4, (v, at) => v.getUint32(at, true), Uint32Array],
} as const satisfies Record<string, readonly [code: number, bytes: number, get: Get, store: Store]>;
export type ElementType = keyof typeof types;

/** Element types by TensorProto.DataType. */
export const elementTypes: Readonly<Record<number, ElementType>> = Object.fromEntries(
  Object.entries(types).map(([type, [code]]) => [code, type as ElementType]),
);

/** Returns zeroed storage for `count` elements. */
export const numbersOf = (type: ElementType, count: number): Numbers => new (types[type][3] as Store)(count);

export const countOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/** A tensor whose data are in another file, as the model describes it. */
export interface External {
  name: string;
  dims: number[];
  type: ElementType;
  location: string;
  offset: number;
  /** Size that type and dimensions need, in bytes. */
  bytes: number;
  /** The reason why the model's description is invalid. */
  problem?: string;
}

/** Decodes raw little-endian bytes, exactly as many as type and dimensions need. */
export function constOf({ dims, type }: Pick<Const, 'dims' | 'type'>, raw: Uint8Array): Const {
  const data = numbersOf(type, countOf(dims));
  fromRaw(data, type, raw);
  return { kind: 'const', dims, type, data };
}

/** Reads a tensor's location. `offset` and `length` are decimal; defaults: 0, and the size of the tensor. */
function externalOf(name: string, dims: number[], type: ElementType, entries: ReadonlyMap<string, string>): External {
  const bytes = countOf(dims) * types[type][1];
  const number = (key: string, absent: number): number => {
    const text = entries.get(key);
    return text === undefined ? absent : /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  };
  const [offset, length] = [number('offset', 0), number('length', bytes)];
  const problem = Number.isNaN(offset)
    ? `its offset '${entries.get('offset')?.slice(0, 40)}' is no number`
    : length !== bytes && `its length '${entries.get('length')?.slice(0, 40)}' is not the ${bytes} bytes of [${dims.join(', ')}]`;
  return { name, dims, type, location: entries.get('location') ?? '', offset, bytes, ...(problem && { problem }) };
}

/**
 * Reads one TensorProto; returns its location if its data are in another file. Throws RN151, and RN152 if the
 * data do not fit.
 */
export function readTensor(wire: Wire, wireType: WireType): { name: string; value: Const | External } {
  const head: { name: string; type: number; raw?: Uint8Array } = { name: '', type: 0 };
  let external = false;
  const entries = new Map<string, string>();
  const dims: number[] = [];
  const typed: number[] = [];
  let typedFields = 0;
  const list = (kind: 'ints' | 'floats' | 'doubles') => (w: Wire, t: WireType) => {
    typedFields++;
    w[kind](t, typed);
  };
  const handlers: Fields = {
    1: (w, t) => w.ints(t, dims),
    2: into(head, 'type', int),
    3: () => {
      throw badTensor(head.name, 'the tensor is stored in segments');
    },
    4: list('floats'),
    5: list('ints'),
    7: list('ints'),
    8: into(head, 'name', text),
    9: into(head, 'raw', (w, t) => w.blob(t)),
    10: list('doubles'),
    11: list('ints'),
    13: (w, t) => {
      external = true;
      const entry = { key: '', value: '' };
      w.message(t, 'StringStringEntryProto', { 1: into(entry, 'key', text), 2: into(entry, 'value', text) });
      entries.set(entry.key, entry.value);
    },
    14: (w, t) => {
      external = w.int(t) === 1;
    },
    ...skipped(6, 12, 16),
  };
  wire.message(wireType, 'TensorProto', handlers);
  const { name, type, raw } = head;
  const element = elementTypes[type];
  if (!element) throw badTensor(name, `element type ${type} is not supported`);
  if (dims.length > 8 || !dims.every((d) => Number.isSafeInteger(d) && d >= 0))
    throw badTensor(name, `dims [${dims.slice(0, 9).join(', ')}] are not a valid shape`);
  if (external) return { name, value: externalOf(name, dims, element, entries) };
  const count = countOf(dims);
  const stored = raw ? raw.length / types[element][1] : typed.length;
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
  const [, step, get] = types[type];
  for (let i = 0; i < data.length; i++) data[i] = get(view, i * step);
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
