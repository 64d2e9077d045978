/**
 * Bytes of an HDF5 file, read within bounds.
 *
 * In: a file that nobody vouches for.  Out: numbers and text at places of it.  Every place is checked, and
 * every structure that is visited costs a step: addresses may lead in circles, and many names may lead to one
 * object.
 */

/** Structures that are visited in one file. A choice: a Keras file of 100 layers has some 3,000. */
const mostSteps = 200_000;

/** Why the file cannot be read; `damaged` false: its form is sound, and not one that is read. */
export class Hdf5Error extends Error {
  readonly damaged: boolean;
  constructor(reason: string, damaged = true) {
    super(reason);
    this.damaged = damaged;
  }
}

export const unread = (reason: string): never => {
  throw new Hdf5Error(reason, false);
};

/** The address that stands for none. */
const undefinedAddress = 2n ** 64n - 1n;

export class Bytes {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private steps = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  step(): void {
    if (++this.steps > mostSteps) throw new Hdf5Error(`it has more than ${mostSteps} structures`);
  }

  private checked(at: number, length: number): number {
    if (!(at >= 0 && length >= 0 && at + length <= this.bytes.length)) throw new Hdf5Error(`byte ${at} lies outside the file`);
    return at;
  }

  u8 = (at: number): number => this.view.getUint8(this.checked(at, 1));
  u16 = (at: number): number => this.view.getUint16(this.checked(at, 2), true);
  u32 = (at: number): number => this.view.getUint32(this.checked(at, 4), true);

  /** A length, or a count. */
  u64(at: number): number {
    const value = this.view.getBigUint64(this.checked(at, 8), true);
    if (value >= 2n ** 53n) throw new Hdf5Error(`byte ${at} has a length of ${value}`);
    return Number(value);
  }

  /** An address; undefined where it stands for none. */
  address(at: number): number | undefined {
    return this.view.getBigUint64(this.checked(at, 8), true) === undefinedAddress ? undefined : this.u64(at);
  }

  part(at: number, length: number): Uint8Array {
    const from = this.checked(at, length);
    return this.bytes.subarray(from, from + length);
  }

  text = (at: number, length: number): string => new TextDecoder().decode(this.part(at, length));

  /** Text that ends with a zero. @param most its longest length */
  name(at: number, most: number): string {
    const end = this.bytes.subarray(this.checked(at, 1), at + most).indexOf(0);
    if (end < 0) throw new Hdf5Error(`a name at byte ${at} has no end`);
    return this.text(at, end);
  }

  signature(at: number, wanted: string): void {
    if (this.text(at, 4) !== wanted) throw new Hdf5Error(`no ${wanted} is at byte ${at}`);
  }
}
