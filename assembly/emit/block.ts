/**
 * Parameter blocks, as the emitter fills them. Classes in assembly/kernels define the fields of a block, and
 * blocks.ts is generated from those classes.
 *
 * In: a value for every field.  Out: bytes, little-endian. Free fields are 0, and so are addresses that are
 * not known yet.
 */
import { itemOf } from './address.ts';

/** Layout of a block. */
export interface Layout<T> {
  /** Name of the class, and its file in assembly/kernels. */
  name: string;
  file: string;
  bytes: number;
  /** Offsets of the fields, in bytes. Every field has 4 bytes. */
  at: { readonly [Field in keyof T]: number };
}

/**
 * The address of a packed block, as a type. The address of a derived class is also an address of its base
 * class.
 */
export type At<T> = number & { readonly of: T };

/** A function of assembly/kernels whose first argument is a parameter block. */
export interface Kernel<T> {
  file: string;
  block: Layout<T>;
  /** Arguments after the block. `rows`: first row and count. `phase`: output counter. `block`: none. */
  takes: 'rows' | 'phase' | 'block';
}

/** An offset in packed bytes that gets an address (address.ts). */
export interface Fixup {
  at: number;
  to: number;
}

export function packBlock<T>({ bytes, at }: Layout<T>, fields: NoInfer<T>): { bytes: Uint8Array; fixups: Fixup[] } {
  const view = new DataView(new ArrayBuffer(bytes));
  const fixups: Fixup[] = [];
  for (const field in at) {
    const value = Number(fields[field]);
    if (itemOf(value) !== 0) fixups.push({ at: at[field], to: value });
    else view.setInt32(at[field], value, true);
  }
  return { bytes: new Uint8Array(view.buffer), fixups };
}

/** Returns a block whose fields are 0, for a kernel that reads only a few of them. */
export const zeros = <T>({ at }: Layout<T>): T => Object.fromEntries(Object.keys(at).map((field) => [field, 0])) as T;
