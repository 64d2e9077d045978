/**
 * A network's memory in C: one array of constants (weights, tables, parameter blocks) for flash, and one
 * array for RAM.
 *
 * In: a QuantPlan, and a front end if there is one.  Out: memory map, program and constants as for a module,
 * but with the two regions far apart in the address space, so that an address shows which array it points
 * into.
 */
import type { FrontEnd } from '../../models/frontend/types.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { addressOf, itemOf } from '../emit/address.ts';
import type { Program } from '../emit/instruction.ts';
import { link, partsOf } from '../emit/link.ts';
import type { MemoryMap } from '../emit/memory.ts';
import type { Packed } from '../emit/pack.ts';

/**
 * Start addresses of the two arrays; each array is shorter than `span`. No kernel has a constant in these
 * ranges (regions.ts would refuse it).
 */
export const flashBase = 0x31000000;
export const ramBase = 0x39000000;
const span = 0x04000000;

/** The array that a number points into. */
export type Region = 'flash' | 'ram';
export const regionOf = (address: number): Region | undefined =>
  address >= flashBase && address < flashBase + span
    ? 'flash'
    : address >= ramBase && address < ramBase + span
      ? 'ram'
      : undefined;

export interface Placed {
  memory: MemoryMap;
  packed: Packed;
  program: Program;
  /** All constants, from flashBase on. */
  flash: Uint8Array;
  /** By word of `flash`: the array that it points into. */
  pointers: Map<number, Region>;
}

export function placed(quant: QuantPlan, frontEnd?: FrontEnd): Placed {
  const parts = partsOf(quant, 'native', { ...(frontEnd && { frontEnd }) });
  const { memory, program, data, fixups } = link(parts, flashBase, { state: ramBase });
  // rounded up to whole words
  const flash = new Uint8Array(4 * Math.ceil(data.length / 4));
  flash.set(data);
  // the address of row 0 may lie before its item, even before the array
  const regionAt = (to: number) => regionOf(memory.at(addressOf(itemOf(to)))) as Region;
  const pointers = new Map(fixups.map(({ at, to }) => [(memory.at(at) - flashBase) >> 2, regionAt(to)]));
  return { memory, packed: parts.packed, program, flash, pointers };
}
