/**
 * readOptions: reads a custom operator's options, a FlexBuffers map of integers and booleans.
 *
 * In: the operator's bytes (untrusted).
 * Out: numbers by name, without values of other types; undefined if the bytes are no map.
 * Source: FlexBuffers (flatbuffers/flexbuffers.h). The last byte is the width of the root, the byte before it
 * the type. A map stores the offset of its keys, the width of the keys, the number of entries, the values and
 * the types of the values. Every offset points backward.
 * Cost: O(entries).
 */
import { latin1 } from '../../../graph/base64.ts';

const types = { int: 1, uint: 2, indirectInt: 6, indirectUint: 7, map: 9, bool: 26 } as const;
const maxEntries = 256;
const maxKeyBytes = 64;

class Reader {
  private readonly view: DataView;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Reads a number of 1, 2, 4 or 8 bytes at `at`; NaN if it lies outside the bytes. */
  number(at: number, width: number, signed: boolean): number {
    if (!(at >= 0 && at + width <= this.bytes.length)) return Number.NaN;
    if (width === 1) return signed ? this.view.getInt8(at) : this.view.getUint8(at);
    if (width === 2) return signed ? this.view.getInt16(at, true) : this.view.getUint16(at, true);
    if (width === 4) return signed ? this.view.getInt32(at, true) : this.view.getUint32(at, true);
    if (width === 8) return Number(signed ? this.view.getBigInt64(at, true) : this.view.getBigUint64(at, true));
    return Number.NaN;
  }

  /** Returns the position that the offset at `at` points back to. */
  follow(at: number, width: number): number {
    return at - this.number(at, width, false);
  }

  text(at: number): string | undefined {
    const end = this.bytes.indexOf(0, at);
    if (!(at >= 0) || end < 0 || end - at > maxKeyBytes) return undefined;
    return latin1(this.bytes.subarray(at, end));
  }
}

/** Reads the map's numbers by name. */
export function readOptions(bytes: Uint8Array): Map<string, number> | undefined {
  if (bytes.length < 3) return undefined;
  const r = new Reader(bytes);
  const rootWidth = r.number(bytes.length - 1, 1, false);
  const rootType = r.number(bytes.length - 2, 1, false);
  const at = r.follow(bytes.length - 2 - rootWidth, rootWidth);
  const width = 1 << (rootType & 3);
  const count = r.number(at - width, width, false);
  const keys = r.follow(at - 3 * width, width);
  const keyWidth = r.number(at - 2 * width, width, false);
  if (rootType >> 2 !== types.map || !(count <= maxEntries) || Number.isNaN(keys)) return undefined;
  const found = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const name = r.text(r.follow(keys + i * keyWidth, keyWidth));
    const packed = r.number(at + count * width + i, 1, false);
    const place = at + i * width;
    const type = packed >> 2;
    const inner = 1 << (packed & 3);
    let value = Number.NaN;
    if (type === types.int || type === types.uint || type === types.bool) value = r.number(place, width, type === types.int);
    if (type === types.indirectInt || type === types.indirectUint)
      value = r.number(r.follow(place, width), inner, type === types.indirectInt);
    if (name !== undefined && Number.isSafeInteger(value)) found.set(name, value);
  }
  return found;
}
