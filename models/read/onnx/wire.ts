/**
 * Wire: reads protobuf messages field by field, with the byte offset in every error.
 *
 * In: the bytes of a file.  Out: the values of the fields that a handler table names. A length beyond its
 * message, a wire type other than the field's, and a field number that the message does not have are
 * errors: a flipped bit must not silently drop an attribute. Source: Protocol Buffers encoding; the varints
 * are read by @bufbuild/protobuf's BinaryReader.
 */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { RunletError } from '../../error.ts';
import { damaged, tooLarge } from './refuse.ts';

export type Field = (wire: Wire, type: WireType) => void;
/** Handlers by field number; `skip` is for fields that exist but are not needed. */
export type Fields = Readonly<Record<number, Field>>;

export const skip: Field = (wire, type) => wire.skip(type);

/** Returns handlers for fields that exist but are not needed. */
export const skipped = (...numbers: number[]): Fields => Object.fromEntries(numbers.map((number) => [number, skip]));

type Read<T> = (wire: Wire, type: WireType) => T;
export const text: Read<string> = (wire, type) => wire.text(type);
export const int: Read<number> = (wire, type) => wire.int(type);

/** Returns a handler that stores a field in a property. */
export const into = <O extends object, K extends keyof O>(target: O, key: K, read: Read<O[K]>): Field => {
  return (wire, type) => {
    target[key] = read(wire, type);
  };
};

/** Returns a handler that adds a repeated field to a list. */
export const each = <T>(list: T[], read: Read<T>): Field => {
  return (wire, type) => {
    list.push(read(wire, type));
  };
};

/**
 * Largest number of fields in all messages of a file. A choice: 10,000 nodes of 20 attributes have 900,000; a
 * field costs a few hundred bytes of memory.
 */
const fieldLimit = 1 << 20;

/** Largest depth of nested messages. A choice: an If within an If takes four levels. */
const depthLimit = 64;

/** Largest number of numbers in a list. A choice: the largest number of elements of an activation. */
const listLimit = 1 << 24;

export class Wire {
  private readonly reader: BinaryReader;
  private readonly bytes: Uint8Array;
  private end: number;
  private fieldsRead = 0;
  private depth = 0;
  private readonly totals = new Map<string, number>();

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.reader = new BinaryReader(bytes);
    this.end = bytes.length;
  }

  /** Byte offset in the file. */
  get offset(): number {
    return this.reader.pos;
  }

  /** Reads the rest of the current message. Errors use its `name`. Throws RN151 for malformed bytes. */
  fields(name: string, handlers: Fields): void {
    while (this.reader.pos < this.end) {
      const at = this.reader.pos;
      if (++this.fieldsRead > fieldLimit) throw tooLarge(`more than ${fieldLimit} fields`, `byte ${at}`);
      try {
        const [number, type] = this.reader.tag();
        const handler = handlers[number];
        if (!handler) throw damaged(`${name} has no field ${number}`, at, 'the file is damaged or newer than this reader');
        handler(this, type);
        if (this.reader.pos > this.end) throw damaged(`field ${number} of ${name} ends after its message`, at);
      } catch (error) {
        if (error instanceof RunletError) throw error;
        throw damaged(`${name} cannot be decoded`, at, error instanceof Error ? error.message : String(error));
      }
    }
  }

  /**
   * Counts how often each field of the message at the cursor occurs; the cursor does not move. A damaged
   * field ends the count. The error is reported when the message is read.
   */
  counts(type: WireType): Map<number, number> {
    const [start, outer] = [this.reader.pos, this.end];
    const found = new Map<number, number>();
    try {
      for (const end = this.open(type); this.reader.pos < end; ) {
        const [number, kind] = this.reader.tag();
        found.set(number, (found.get(number) ?? 0) + 1);
        this.reader.skip(kind, number, 8);
      }
    } catch {
      // reading the message reports the error
    }
    [this.reader.pos, this.end] = [start, outer];
    return found;
  }

  /** Adds `count` to the entries of a kind in the file so far, and returns their number. */
  total(kind: string, count: number): number {
    const all = (this.totals.get(kind) ?? 0) + count;
    this.totals.set(kind, all);
    return all;
  }

  /** Reads a nested message. */
  message(type: WireType, name: string, handlers: Fields): void {
    const outer = this.end;
    if (++this.depth > depthLimit) throw tooLarge(`more than ${depthLimit} nested messages`, `byte ${this.offset}`);
    this.end = this.open(type);
    this.fields(name, handlers);
    this.end = outer;
    this.depth--;
  }

  text(type: WireType): string {
    const at = this.offset;
    const bytes = this.blob(type);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      throw damaged('a name is not UTF-8', at);
    }
  }

  /** Returns a view of the file's bytes, not a copy. */
  blob(type: WireType): Uint8Array {
    const end = this.open(type);
    const view = this.bytes.subarray(this.reader.pos, end);
    this.reader.pos = end;
    return view;
  }

  /** Reads a 64-bit integer; beyond 2^53 it is rounded (only the sentinels of Slice are that large). */
  int(type: WireType): number {
    this.expect(type, WireType.Varint);
    return Number(this.reader.int64());
  }

  float(type: WireType): number {
    this.expect(type, WireType.Bit32);
    return this.reader.float();
  }

  /** Reads repeated integers, packed or single. */
  ints(type: WireType, into: number[]): void {
    if (type === WireType.Varint) into.push(this.int(type));
    else this.packed(type, () => into.push(Number(this.reader.int64())), into);
  }

  floats(type: WireType, into: number[]): void {
    if (type === WireType.Bit32) into.push(this.reader.float());
    else this.packed(type, () => into.push(this.reader.float()), into);
  }

  doubles(type: WireType, into: number[]): void {
    if (type === WireType.Bit64) into.push(this.reader.double());
    else this.packed(type, () => into.push(this.reader.double()), into);
  }

  skip(type: WireType): void {
    this.reader.skip(type, undefined, 8);
  }

  private packed(type: WireType, read: () => void, into: readonly number[]): void {
    const end = this.open(type);
    while (this.reader.pos < end) {
      if (into.length >= listLimit) throw tooLarge(`a list of more than ${listLimit} numbers`, `byte ${this.offset}`);
      read();
    }
    if (this.reader.pos !== end) throw damaged('a packed list ends inside a number', this.offset);
  }

  /** Returns the end of a length-delimited field, which must lie inside the current message. */
  private open(type: WireType): number {
    const at = this.offset;
    this.expect(type, WireType.LengthDelimited);
    const length = this.reader.uint32();
    const end = this.reader.pos + length;
    if (end > this.end) {
      throw damaged(`a field of ${length} bytes ends after its message`, at, `${this.end - this.reader.pos} bytes are left`);
    }
    return end;
  }

  private expect(type: WireType, wanted: WireType): void {
    if (type !== wanted) throw damaged(`wire type ${type} where ${wanted} is expected`, this.offset);
  }
}
