/**
 * Reads and writes NumPy's .npy files.
 *
 * In: bytes.  Out: shape, dtype and a typed array in C order; and back.
 * Source: numpy.lib.format, versions 1.0 to 3.0: magic \x93NUMPY, version, header length (u16, from version 2
 * u32), a Python literal with descr, fortran_order and shape, then the data. Little-endian only; the file's
 * length must be exactly the declared one.
 */

import { RunletError } from '../../models/error.ts';
import { lookup } from '../../models/lookup.ts';
import { halfToFloat } from '../../models/read/half.ts';

export type NpyData = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;

export interface NpyArray {
  shape: number[];
  /** f2, f4, f8, i1, u1, i2, u2, i4, u4, i8, u8 or b1. */
  dtype: string;
  /** Values in C order. f2 becomes float32; i8 and u8 become float64 (exact up to 2 ** 53). */
  data: NpyData;
}

const damaged = (at: number, why: string): RunletError =>
  new RunletError('RN730', {
    what: 'this .npy file is damaged',
    where: `byte ${at}`,
    why,
    tryThis: 'write it again with numpy.save',
  });

const unsupported = (what: string, tryThis: string): RunletError =>
  new RunletError('RN731', {
    what: `this .npy file holds ${what}`,
    where: 'header',
    why: 'Runlet does not read this form',
    tryThis,
  });

type View = new (buffer: ArrayBuffer) => NpyData;
const plain: Record<string, View> = {
  f4: Float32Array,
  f8: Float64Array,
  i1: Int8Array,
  u1: Uint8Array,
  b1: Uint8Array,
  i2: Int16Array,
  u2: Uint16Array,
  i4: Int32Array,
  u4: Uint32Array,
};

/** Copies `bytes` to a typed array (a copy is aligned). */
export function decode(dtype: string, bytes: Uint8Array): NpyData {
  const buffer = new Uint8Array(bytes).buffer; // not slice: a Buffer's slice is a view
  const view = lookup(plain, dtype);
  if (view) return new view(buffer);
  if (dtype === 'f2') return Float32Array.from(new Uint16Array(buffer), halfToFloat);
  return Float64Array.from(dtype === 'i8' ? new BigInt64Array(buffer) : new BigUint64Array(buffer), Number);
}

/** Parses the header's fields by pattern; the Python literal is not evaluated. */
function parseHeader(text: string, at: number): { descr: string; fortran: boolean; shape: number[] } {
  const descr = /['"]descr['"]\s*:\s*['"]([^'"]{1,8})['"]/.exec(text)?.[1];
  const fortran = /['"]fortran_order['"]\s*:\s*(True|False)\b/.exec(text)?.[1];
  const dims = /['"]shape['"]\s*:\s*\(([\d\s,L]{0,400})\)/.exec(text)?.[1];
  if (!descr && /['"]descr['"]\s*:\s*\[/.test(text))
    throw unsupported('records (several fields)', 'save each field as a separate array');
  if (descr === undefined || fortran === undefined || dims === undefined)
    throw damaged(at, 'the header lacks descr, fortran_order or shape');
  const shape = dims
    .split(',')
    .map((d) => d.trim().replace(/L$/, ''))
    .filter((d) => d !== '')
    .map(Number);
  if (!shape.every((d) => Number.isSafeInteger(d) && d >= 0))
    throw damaged(at, `the shape (${dims}) is not made of whole numbers`);
  return { descr, fortran: fortran === 'True', shape };
}

/** Header of a .npy file. */
export interface NpyHeader {
  shape: number[];
  dtype: string;
  itemBytes: number;
  /** Byte offset of the data. */
  dataAt: number;
}

/** Maximum number of bytes before the data: magic, version, length and the longest header that is read. */
export const npyHeadBytes = (1 << 16) + 12;

/** Reads the header from a file's first bytes. @throws RN730, RN731 */
export function npyHeader(bytes: Uint8Array, fileBytes: number): NpyHeader {
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte)) throw damaged(0, 'it does not begin with \\x93NUMPY');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = bytes[6] as number;
  if (version < 1 || version > 3) throw damaged(6, `version ${version} is unknown`);
  const from = version === 1 ? 10 : 12;
  const headerBytes = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerBytes > 1 << 16 || from + headerBytes > bytes.length)
    throw damaged(8, `a header of ${headerBytes} bytes is declared`);
  const { descr, fortran, shape } = parseHeader(new TextDecoder().decode(bytes.subarray(from, from + headerBytes)), from);
  const [, order, dtype] = /^([<>=|]?)([a-zA-Z]\d+)$/.exec(descr) ?? [];
  if (dtype === undefined || !(dtype in plain || ['f2', 'i8', 'u8'].includes(dtype)))
    throw unsupported(`values of type ${descr}`, 'save it as float32, for example: numpy.save(name, x.astype("<f4"))');
  const itemBytes = Number(dtype.slice(1));
  if (order === '>' && itemBytes > 1) throw unsupported(`big-endian values (${descr})`, 'save it little endian: x.astype("<f4")');
  if (fortran && shape.filter((d) => d > 1).length > 1)
    throw unsupported('a Fortran-order array', 'save it in C order: numpy.ascontiguousarray(x)');
  const elements = shape.reduce((product, d) => product * d, 1);
  const left = fileBytes - from - headerBytes;
  if (elements * itemBytes !== left)
    throw damaged(
      from + headerBytes,
      `shape (${shape.join(', ')}) of ${descr} needs ${elements * itemBytes} bytes, the file has ${left}`,
    );
  return { shape, dtype, itemBytes, dataAt: from + headerBytes };
}

/**
 * Reads a .npy file. @throws RN730 if it is damaged or has the wrong length, RN731 if its type, byte order or
 * memory order is not supported.
 */
export function readNpy(bytes: Uint8Array): NpyArray {
  const { shape, dtype, dataAt } = npyHeader(bytes, bytes.length);
  return { shape, dtype, data: decode(dtype, bytes.subarray(dataAt)) };
}

/** Returns the dtype of a typed array. */
const descrOf = (data: NpyData): string =>
  data instanceof Uint8Array
    ? '|u1'
    : data instanceof Int8Array
      ? '|i1'
      : `<${Object.keys(plain).find((key) => data.constructor === plain[key])}`;

/**
 * Writes a .npy file (version 1.0, C order, data aligned to 64 bytes).
 * @param shape the product of its dimensions must be data.length.
 * @throws RN730
 */
export function writeNpy(shape: readonly number[], data: NpyData): Uint8Array {
  if (shape.reduce((product, d) => product * d, 1) !== data.length)
    throw damaged(0, `shape (${shape.join(', ')}) does not have ${data.length} elements`);
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const literal = `{'descr': '${descrOf(data)}', 'fortran_order': False, 'shape': (${dims}), }`;
  const headerBytes = Math.ceil((10 + literal.length + 1) / 64) * 64 - 10;
  const bytes = new Uint8Array(10 + headerBytes + data.byteLength);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, headerBytes & 255, headerBytes >> 8]);
  bytes.set(new TextEncoder().encode(`${literal.padEnd(headerBytes - 1)}\n`), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + headerBytes);
  return bytes;
}
