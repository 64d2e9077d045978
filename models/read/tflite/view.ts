/**
 * View: reads a FlatBuffers file and checks every offset.
 *
 * In: untrusted bytes.
 * Out: tables, vectors, strings and scalars.
 * Errors: RN101 with the byte offset (damaged), RN102 (the file claims more than its length can hold). The
 * FlatBuffers runtime for JavaScript makes no such checks.
 * Source: FlatBuffers internals (table = int32 to its vtable; vtable = uint16 vtable bytes, table bytes,
 * field offsets; vector = uint32 count, elements; offsets are uint32, forward). Little-endian.
 * Cost: O(1) per field, O(n) per vector.
 */
import { RunletError } from '../../error.ts';

const decoder = new TextDecoder();

export class View {
  readonly bytes: Uint8Array;
  readonly data: DataView;
  /**
   * Number of bytes that vectors and strings may still return. Offsets may alias, so the file's length alone
   * is no upper bound.
   */
  private budget: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.budget = 16 * bytes.length + 65536;
  }

  /** Returns the root table. */
  root(): Table {
    return this.table(this.follow(0, 'root table'), 'Model');
  }

  /** Returns the position that the uint32 offset at `at` points to: forward and inside the file. */
  follow(at: number, what: string): number {
    this.need(at, 4, `offset of ${what}`);
    const offset = this.data.getUint32(at, true);
    const to = at + offset;
    if (offset < 4 || to + 4 > this.bytes.length) throw this.damaged(at, `the offset of ${what} points to byte ${to}`);
    return to;
  }

  table(at: number, name: string): Table {
    this.need(at, 4, `table ${name}`);
    const vtable = at - this.data.getInt32(at, true);
    if (vtable < 4) throw this.damaged(at, `the vtable of ${name} lies at byte ${vtable}`);
    this.need(vtable, 4, `vtable of ${name}`);
    const vtableBytes = this.data.getUint16(vtable, true);
    const tableBytes = this.data.getUint16(vtable + 2, true);
    if (vtableBytes < 4 || vtableBytes % 2 !== 0) throw this.damaged(vtable, `the vtable of ${name} claims ${vtableBytes} bytes`);
    this.need(vtable, vtableBytes, `vtable of ${name}`);
    if (tableBytes < 4) throw this.damaged(vtable, `table ${name} claims ${tableBytes} bytes`);
    this.need(at, tableBytes, `table ${name}`);
    return new Table(this, at, vtable, vtableBytes, tableBytes, name);
  }

  /** Checks that `count` bytes from `at` lie inside the file. */
  need(at: number, count: number, what: string): void {
    if (at < 0 || at + count > this.bytes.length) {
      throw this.damaged(at, `${what} needs ${count} bytes and the file has ${this.bytes.length}`);
    }
  }

  /** Charges `count` bytes to the budget, which limits the work that aliased vectors can cause. */
  spend(at: number, count: number): void {
    this.budget -= count;
    if (this.budget >= 0) return;
    throw new RunletError('RN102', {
      what: 'the file refers to its own bytes too often',
      where: `byte ${at}`,
      why: `its vectors add up to more than 16 times its ${this.bytes.length} bytes`,
      tryThis: 'export the model again',
    });
  }

  damaged(at: number, why: string): RunletError {
    return new RunletError('RN101', {
      what: 'the TensorFlow Lite file is damaged',
      where: `byte ${at}`,
      why,
      tryThis: 'copy or export the file again',
    });
  }

  string(at: number, what: string): string {
    const { start, count } = this.vectorAt(at, 1, what);
    return decoder.decode(this.bytes.subarray(start, start + count));
  }

  /** Returns the start and length of the vector at `at`, whose elements have `width` bytes. */
  vectorAt(at: number, width: number, what: string): { start: number; count: number } {
    this.need(at, 4, `vector ${what}`);
    const count = this.data.getUint32(at, true);
    this.need(at + 4, count * width, `vector ${what} of ${count} elements`);
    this.spend(at, count * width);
    return { start: at + 4, count };
  }
}

export class Table {
  readonly view: View;
  readonly at: number;
  readonly name: string;
  private readonly vtable: number;
  private readonly vtableBytes: number;
  private readonly tableBytes: number;

  constructor(view: View, at: number, vtable: number, vtableBytes: number, tableBytes: number, name: string) {
    this.view = view;
    this.at = at;
    this.vtable = vtable;
    this.vtableBytes = vtableBytes;
    this.tableBytes = tableBytes;
    this.name = name;
  }

  int8 = (field: number, absent = 0): number => this.scalar(field, 1, absent, (at) => this.view.data.getInt8(at));
  uint8 = (field: number, absent = 0): number => this.scalar(field, 1, absent, (at) => this.view.data.getUint8(at));
  int32 = (field: number, absent = 0): number => this.scalar(field, 4, absent, (at) => this.view.data.getInt32(at, true));
  uint32 = (field: number, absent = 0): number => this.scalar(field, 4, absent, (at) => this.view.data.getUint32(at, true));
  float32 = (field: number, absent = 0): number => this.scalar(field, 4, absent, (at) => this.view.data.getFloat32(at, true));
  /** Returns a uint64. Above 2^53 it is rounded, but such a number exceeds the length of any file. */
  uint64 = (field: number): number => this.scalar(field, 8, 0, (at) => Number(this.view.data.getBigUint64(at, true)));
  bool = (field: number): boolean => this.uint8(field) !== 0;

  /** Checks whether another table holds the same bytes. Neither may have vectors, strings or tables. */
  same({ vtableBytes, vtable, tableBytes, at, view }: Table): boolean {
    const bytesAt = (from: number, count: number) => this.view.bytes.subarray(from, from + count);
    const isEqual = (a: number, b: number, count: number) => bytesAt(a, count).every((byte, i) => byte === view.bytes[b + i]);
    const alike = vtableBytes === this.vtableBytes && tableBytes === this.tableBytes && isEqual(this.vtable, vtable, vtableBytes);
    // the first 4 bytes of a table are the offset of its vtable
    return alike && isEqual(this.at + 4, at + 4, tableBytes - 4);
  }

  has = (field: number): boolean => this.position(field, 1) !== 0;

  string(field: number, absent = ''): string {
    const at = this.reference(field);
    return at === 0 ? absent : this.view.string(at, this.label(field));
  }

  table(field: number, name: string): Table | undefined {
    const at = this.reference(field);
    return at === 0 ? undefined : this.view.table(at, name);
  }

  /** Returns a vector of tables. @throws RunletError RN102 if it has more than `maxCount`. */
  tables(field: number, name: string, maxCount: number): Table[] {
    const { start, count } = this.vector(field, 4);
    if (count > maxCount) throw tooMany(start, name, count, maxCount);
    return Array.from({ length: count }, (_, i) => this.view.table(this.view.follow(start + 4 * i, `${name} ${i}`), name));
  }

  int32s(field: number): number[] {
    return this.integers(field, 4);
  }

  float32s(field: number): number[] {
    const { start, count } = this.vector(field, 4);
    return Array.from({ length: count }, (_, i) => this.view.data.getFloat32(start + 4 * i, true));
  }

  int64s(field: number): number[] {
    const { start, count } = this.vector(field, 8);
    return Array.from({ length: count }, (_, i) => Number(this.view.data.getBigInt64(start + 8 * i, true)));
  }

  /** Returns a vector of int32, uint16 or uint8, whose elements have `width` bytes. */
  integers(field: number, width: number): number[] {
    const { data } = this.view;
    const { start, count } = this.vector(field, width);
    const at = (i: number): number =>
      width === 4
        ? data.getInt32(start + 4 * i, true)
        : width === 2
          ? data.getUint16(start + 2 * i, true)
          : data.getUint8(start + i);
    return Array.from({ length: count }, (_, i) => at(i));
  }

  /** Returns a vector of bytes, not copied; empty if the field is absent. */
  byteVector(field: number): Uint8Array {
    const at = this.reference(field);
    if (at === 0) return new Uint8Array(0);
    this.view.need(at, 4, this.label(field));
    const count = this.view.data.getUint32(at, true);
    this.view.need(at + 4, count, `${this.label(field)} of ${count} bytes`);
    return this.view.bytes.subarray(at + 4, at + 4 + count);
  }

  /**
   * Returns bytes stored after the FlatBuffer, not copied; empty if there are none. The two fields hold their
   * position from the start of the file and their number. Writers use positions 0 and 1 as placeholders.
   */
  behind(position: number, size: number, name: string): Uint8Array {
    const [at, count] = [this.uint64(position), this.uint64(size)];
    if (at <= 1 || count === 0) return new Uint8Array(0);
    this.view.need(at, count, name);
    return this.view.bytes.subarray(at, at + count);
  }

  private vector(field: number, width: number): { start: number; count: number } {
    const at = this.reference(field);
    return at === 0 ? { start: 0, count: 0 } : this.view.vectorAt(at, width, this.label(field));
  }

  private reference(field: number): number {
    const at = this.position(field, 4);
    return at === 0 ? 0 : this.view.follow(at, this.label(field));
  }

  private scalar(field: number, width: number, absent: number, read: (at: number) => number): number {
    const at = this.position(field, width);
    return at === 0 ? absent : read(at);
  }

  /** Returns the byte position of a field of `width` bytes; 0 if the table omits it. */
  private position(field: number, width: number): number {
    const slot = 4 + 2 * field;
    if (slot + 2 > this.vtableBytes) return 0;
    const offset = this.view.data.getUint16(this.vtable + slot, true);
    if (offset === 0) return 0;
    if (offset < 4 || offset + width > this.tableBytes) {
      throw this.view.damaged(this.vtable + slot, `${this.label(field)} lies outside its table of ${this.tableBytes} bytes`);
    }
    return this.at + offset;
  }

  private label = (field: number): string => `${this.name} field ${field}`;
}

const tooMany = (at: number, name: string, count: number, maxCount: number): RunletError =>
  new RunletError('RN102', {
    what: `the file holds ${count} entries of ${name}`,
    where: `byte ${at}`,
    why: `at most ${maxCount} are read`,
    tryThis: 'a smaller model',
  });
