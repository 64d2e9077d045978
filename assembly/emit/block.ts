/**
 * Parameter blocks as the emitter fills them. What fields a block has is said once, by its class in
 * assembly/kernels; blocks.ts is generated from those.
 *
 * In: a value for every field.  Out: bytes, little-endian; free places are 0, and so are addresses that are
 * not known yet.
 */
import { itemOf } from './address.ts';

/** Where a block's fields stand. */
export interface Layout<T> {
  /** Class, and file of assembly/kernels. */
  name: string;
  file: string;
  bytes: number;
  /** Offsets, in bytes. Every field has four. */
  at: { readonly [Field in keyof T]: number };
}

/**
 * The address of a packed block, for types alone. One of a class that extends another is an address of the
 * other, too.
 */
export type At<T> = number & { readonly of: T };

/** A function of assembly/kernels whose first argument is a parameter block. */
export interface Kernel<T> {
  file: string;
  block: Layout<T>;
  /**
   * Beside the block: the first row and how many, the output counter modulo the plan's period, or neither.
   */
  takes: 'rows' | 'phase' | 'block';
}

/** A place in packed bytes where an address belongs (address.ts). */
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

/** Every field 0, for a block of which a kernel reads a few. */
export const zeros = <T>({ at }: Layout<T>): T => Object.fromEntries(Object.keys(at).map((field) => [field, 0])) as T;
