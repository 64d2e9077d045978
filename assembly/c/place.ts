/**
 * A network's memory as C has it: an array of constants (weights, tables, parameter blocks) for flash, and one for RAM.
 *
 * In: a QuantPlan, and a front end where there is one.  Out: memory map, program and constants as for a module, but with the two regions far apart in the
 * address space, so that an address says what it points into. Words of the constants that are addresses are found by packing twice, with the regions
 * elsewhere: a word that moves with a region points into it.
 */
import type { FrontEnd } from '../../models/frontend/types.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import { type MemoryMap, mapMemory } from '../emit/memory.ts';
import { type Packed, pack } from '../emit/pack.ts';
import { makeProgram, type Program } from '../emit/program.ts';
import { packFrontEnd } from '../frontend/pack.ts';

/** Where the two arrays begin, as addresses; each is less than `span` long. No kernel has a constant in these ranges (classes.ts would refuse it). */
export const flashBase = 0x31000000;
export const ramBase = 0x39000000;
export const span = 0x04000000;

/** What a number points into. */
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
  /** By word of `flash`: what it points into. */
  pointers: Map<number, Region>;
}

function at(quant: QuantPlan, flash: number, ram: number, frontEnd?: FrontEnd) {
  const sizes = pack(quant, 'native');
  const bytes = {
    weights: sizes.weights.length,
    tables: sizes.tables.length,
    work: sizes.workBytes,
    pooled: sizes.pooled,
    state: ram,
  };
  const memory = mapMemory(quant.plan, flash, bytes, frontEnd);
  const packed = pack(quant, 'native', memory);
  const data = new Uint8Array(memory.tables.address + memory.tables.bytes - flash);
  data.set(packed.weights, memory.weights.address - flash);
  data.set(packed.tables, memory.tables.address - flash);
  if (memory.sound) {
    const { frontEnd: front, block, state } = memory.sound;
    const places = { state, scratch: memory.scratch.address, row: memory.inputs[0]?.address ?? 0 };
    data.set(packFrontEnd(front, block, places), block - flash);
  }
  // whole words
  const whole = new Uint8Array(4 * Math.ceil(data.length / 4));
  whole.set(data);
  return { memory, packed, flash: whole };
}

export function placed(quant: QuantPlan, frontEnd?: FrontEnd): Placed {
  const made = at(quant, flashBase, ramBase, frontEnd);
  const [flashShift, ramShift] = [0x100, 0x300];
  const other = at(quant, flashBase + flashShift, ramBase + ramShift, frontEnd);
  const words = (x: Uint8Array) => new Int32Array(x.buffer, x.byteOffset, x.length >> 2);
  const [a, b] = [words(made.flash), words(other.flash)];
  const pointers = new Map<number, Region>();
  a.forEach((value, i) => {
    const moved = (b[i] as number) - value;
    if (moved === flashShift) pointers.set(i, 'flash');
    else if (moved === ramShift) pointers.set(i, 'ram');
  });
  return { ...made, program: makeProgram(quant, made.memory, made.packed.steps), pointers };
}
