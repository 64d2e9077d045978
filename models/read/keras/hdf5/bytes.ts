/**
 * Bytes: reads an HDF5 file with bounds checks.
 *
 * In: a file that is not trusted.  Out: numbers and text at byte offsets.  Every offset is checked. Every
 * visited structure costs a step, and their number is limited: addresses may form cycles, and many names may
 * refer to one object.
 */

/** Largest number of structures visited in one file. A choice: a Keras file of 100 layers has about 3,000. */
const maxSteps = 200_000;

/** The file cannot be read. `damaged` is false if the file is valid but in a form that is not supported. */
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

/** The address that means that there is no address. */
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
    if (++this.steps > maxSteps) throw new Hdf5Error(`it has more than ${maxSteps} structures`);
  }

  private checked(at: number, length: number): number {
    if (!(at >= 0 && length >= 0 && at + length <= this.bytes.length)) throw new Hdf5Error(`byte ${at} lies outside the file`);
    return at;
  }

  u8 = (at: number): number => this.view.getUint8(this.checked(at, 1));
  u16 = (at: number): number => this.view.getUint16(this.checked(at, 2), true);
  u32 = (at: number): number => this.view.getUint32(this.checked(at, 4), true);

  /** Reads a length or a count. */
  u64(at: number): number {
    const value = this.view.getBigUint64(this.checked(at, 8), true);
    if (value >= 2n ** 53n) throw new Hdf5Error(`the length ${value} at byte ${at} is too large`);
    return Number(value);
  }

  /** Reads an address; returns undefined if there is none. */
  address(at: number): number | undefined {
    return this.view.getBigUint64(this.checked(at, 8), true) === undefinedAddress ? undefined : this.u64(at);
  }

  part(at: number, length: number): Uint8Array {
    const from = this.checked(at, length);
    return this.bytes.subarray(from, from + length);
  }

  text = (at: number, length: number): string => new TextDecoder().decode(this.part(at, length));

  /** Reads text that ends with a zero. @param maxBytes its largest length in bytes, with the zero. */
  name(at: number, maxBytes: number): string {
    const end = this.bytes.subarray(this.checked(at, 1), at + maxBytes).indexOf(0);
    if (end < 0) throw new Hdf5Error(`a name at byte ${at} has no end`);
    return this.text(at, end);
  }

  signature(at: number, wanted: string): void {
    if (this.text(at, 4) !== wanted) throw new Hdf5Error(`there is no ${wanted} at byte ${at}`);
  }
}
