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
const descriptions = { int8: '|i1', uint16: '<u2', float32: '<f4' } as const;
export type RowType = keyof typeof descriptions;

export class NpyWriter {
  rows = 0;
  #file: FileHandle;
  #type: RowType;
  #columns: number;

  private constructor(file: FileHandle, type: RowType, columns: number) {
    this.#file = file;
    this.#type = type;
    this.#columns = columns;
  }

  static async create(path: string, type: RowType, columns: number): Promise<NpyWriter> {
    await mkdir(dirname(path), { recursive: true });
    const writer = new NpyWriter(await open(path, 'w'), type, columns);
    await writer.#header();
    return writer;
  }

  async #header(): Promise<void> {
    const literal = `{'descr': '${descriptions[this.#type]}', 'fortran_order': False, 'shape': (${this.rows}, ${this.#columns}), }`;
    const head = Buffer.from(`\x93NUMPY\x01\x00..${literal.padEnd(headerBytes - 11)}\n`, 'latin1');
    head.writeUInt16LE(headerBytes - 10, 8);
    await this.#file.write(head, 0, headerBytes, 0);
  }

  /** Appends whole rows: [rows][columns]. */
  async append(values: Int8Array | Uint16Array | Float32Array): Promise<void> {
    const at = headerBytes + this.rows * this.#columns * values.BYTES_PER_ELEMENT;
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    await this.#file.write(bytes, 0, bytes.length, at);
    this.rows += values.length / this.#columns;
  }

  async close(): Promise<void> {
    await this.#header();
    await this.#file.close();
  }
}
