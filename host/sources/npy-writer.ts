/**
 * Writes a .npy file row by row, without knowing the number of rows in advance.
 *
 * In: rows of one type.  Out: the file, version 1.0. The header has space for any number of rows and is
 * rewritten at the end.
 * Source: numpy.lib.format.  Memory does not grow with the rows.
 */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

const headerBytes = 128;
const descriptions = { int8: '|i1', uint8: '|u1', int16: '<i2', uint16: '<u2', float32: '<f4', float64: '<f8' } as const;
export type RowType = keyof typeof descriptions;

export class NpyWriter {
  rows = 0;
  #file: FileHandle;
  #type: RowType;
  /** Dimensions of a row, and their product. */
  #dims: readonly number[];
  #columns: number;

  private constructor(file: FileHandle, type: RowType, dims: readonly number[]) {
    this.#file = file;
    this.#type = type;
    this.#dims = dims;
    this.#columns = dims.reduce((product, d) => product * d, 1);
  }

  /** @param dims dimensions of a row: one or several; none if a row is a single value. */
  static async create(path: string, type: RowType, ...dims: number[]): Promise<NpyWriter> {
    await mkdir(dirname(path), { recursive: true });
    const writer = new NpyWriter(await open(path, 'w'), type, dims);
    await writer.#header();
    return writer;
  }

  async #header(): Promise<void> {
    const literal = `{'descr': '${descriptions[this.#type]}', 'fortran_order': False, 'shape': (${this.rows}, ${this.#dims.join(', ')}), }`;
    const head = Buffer.from(`\x93NUMPY\x01\x00..${literal.padEnd(headerBytes - 11)}\n`, 'latin1');
    head.writeUInt16LE(headerBytes - 10, 8);
    await this.#file.write(head, 0, headerBytes, 0);
  }

  /** Appends whole rows: [rows][columns]. */
  async append(values: Int8Array | Uint16Array | Float32Array | Float64Array): Promise<void> {
    await this.appendBytes(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), values.BYTES_PER_ELEMENT);
  }

  /** Appends whole rows as bytes, little endian. */
  async appendBytes(bytes: Uint8Array, valueBytes: number): Promise<void> {
    const rowBytes = this.#columns * valueBytes;
    await this.#file.write(bytes, 0, bytes.length, headerBytes + this.rows * rowBytes);
    this.rows += bytes.length / rowBytes;
  }

  async close(): Promise<void> {
    await this.#header();
    await this.#file.close();
  }
}
