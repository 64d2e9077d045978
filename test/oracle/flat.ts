/**
 * Reads FlatBuffers by hand: tables, vectors, strings, with every offset checked.
 *
 * In: a file's bytes.  Out: field values by number. Source: the FlatBuffers binary format. Errors: Invalid.
 */

/** The file breaks a rule of TensorFlow Lite, so no interpreter runs it. */
export class Invalid extends Error {}
/** The file may be valid, but the judge has no rule for it. */
export class Unjudged extends Error {}

export class Table {
  readonly #view: DataView;
  readonly #at: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
  }

  static root(bytes: Uint8Array): Table {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new Table(
      view,
      guarded(() => view.getUint32(0, true)),
    );
  }

  /** Returns the position of field `id`, or undefined if it is absent. */
  #field(id: number): number | undefined {
    return guarded(() => {
      const vtable = this.#at - this.#view.getInt32(this.#at, true);
      const slot = 4 + 2 * id;
      if (slot >= this.#view.getUint16(vtable, true)) return undefined;
      const offset = this.#view.getUint16(vtable + slot, true);
      return offset === 0 ? undefined : this.#at + offset;
    });
  }

  #number(id: number, byDefault: number, get: (at: number) => number): number {
    const at = this.#field(id);
    return at === undefined ? byDefault : guarded(() => get(at));
  }

  int8 = (id: number, byDefault = 0): number => this.#number(id, byDefault, (at) => this.#view.getInt8(at));
  uint8 = (id: number, byDefault = 0): number => this.#number(id, byDefault, (at) => this.#view.getUint8(at));
  int32 = (id: number, byDefault = 0): number => this.#number(id, byDefault, (at) => this.#view.getInt32(at, true));
  uint32 = (id: number, byDefault = 0): number => this.#number(id, byDefault, (at) => this.#view.getUint32(at, true));
  float32 = (id: number, byDefault = 0): number => this.#number(id, byDefault, (at) => this.#view.getFloat32(at, true));

  /** Returns the position of a vector's first element, and the number of elements. */
  #vector(id: number, bytesEach: number): { at: number; count: number } | undefined {
    const field = this.#field(id);
    if (field === undefined) return undefined;
    return guarded(() => {
      const start = field + this.#view.getUint32(field, true);
      const count = this.#view.getUint32(start, true);
      if (start + 4 + count * bytesEach > this.#view.byteLength) throw new Invalid('a vector is longer than the file');
      return { at: start + 4, count };
    });
  }

  table(id: number): Table | undefined {
    const at = this.#field(id);
    return at === undefined ? undefined : guarded(() => new Table(this.#view, at + this.#view.getUint32(at, true)));
  }

  tables(id: number): Table[] {
    const { at, count } = this.#vector(id, 4) ?? { at: 0, count: 0 };
    return Array.from({ length: count }, (_, i) => {
      const place = at + 4 * i;
      return guarded(() => new Table(this.#view, place + this.#view.getUint32(place, true)));
    });
  }

  bytes(id: number): Uint8Array | undefined {
    const vector = this.#vector(id, 1);
    return vector && new Uint8Array(this.#view.buffer, this.#view.byteOffset + vector.at, vector.count).slice();
  }

  string(id: number): string | undefined {
    const bytes = this.bytes(id);
    return bytes && new TextDecoder().decode(bytes);
  }

  #numbers(id: number, bytesEach: number, get: (at: number) => number): number[] {
    const { at, count } = this.#vector(id, bytesEach) ?? { at: 0, count: 0 };
    return Array.from({ length: count }, (_, i) => get(at + i * bytesEach));
  }

  int32s = (id: number): number[] => this.#numbers(id, 4, (at) => this.#view.getInt32(at, true));
  float32s = (id: number): number[] => this.#numbers(id, 4, (at) => this.#view.getFloat32(at, true));
  int64s = (id: number): number[] => this.#numbers(id, 8, (at) => Number(this.#view.getBigInt64(at, true)));
}

/** Converts the RangeError that DataView throws outside the file to Invalid. */
function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw new Invalid('an offset leads out of the file');
    throw error;
  }
}
