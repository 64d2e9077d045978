/**
 * Links a network: everything that was packed and planned once, with the addresses that it gets.
 *
 * In: what a network has in memory, its packed constants and its program, all with addresses of items
 * (address.ts); where memory begins.  Out: the memory map, constants as bytes, and the program.
 */
import type { FrontEnd } from '../../models/frontend/types.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import type { Form } from '../bundle/manifest.ts';
import { packFrontEnd } from '../frontend/pack.ts';
import { REGION } from '../runtime/numbers.ts';
import type { Fixup } from './block.ts';
import { type Buffers, buffersOf, tablesAt } from './buffers.ts';
import type { Home } from './home.ts';
import type { Program } from './instruction.ts';
import { type MemoryMap, mapMemory, type Packing } from './memory.ts';
import { type Packed, pack, type WeightsPlace } from './pack.ts';
import { makeProgram } from './program.ts';
import { resetInstructions } from './reset.ts';
import type { Target } from './target.ts';

export interface PartsOptions {
  /** Sound before the network. */
  frontEnd?: FrontEnd;
  /** Where the weights live. A network without weights has home `embed`. */
  home?: Home;
  /** Other than the ABI alone. */
  form?: Form;
}

/** A network before anything has a place. */
export interface Parts {
  quant: QuantPlan;
  buffers: Buffers;
  packed: Packed;
  program: Omit<Program, 'reset'>;
  sizes: Packing;
}

/** Tiles grow until they need more memory than the smallest tile of the largest layer. */
function placeOf(quant: QuantPlan, target: Target, buffers: Buffers, wanted: Home): WeightsPlace {
  const home = quant.plan.steps.some(({ node }) => 'weights' in node.attrs) ? wanted : 'embed';
  return { home, room: home === 'tile' ? pack(quant, target, buffers, { home, room: 0 }).workBytes : 0 };
}

export function partsOf(quant: QuantPlan, target: Target, { frontEnd, home = 'embed', form }: PartsOptions): Parts {
  const buffers = buffersOf(quant.plan, frontEnd);
  const place = placeOf(quant, target, buffers, home);
  const packed = pack(quant, target, buffers, place);
  const { weights, tables, workBytes: work, pooled } = packed;
  const sizes = { weights: weights.length, tables: tables.length, work, pooled, home: place.home };
  return {
    quant,
    buffers,
    packed,
    program: makeProgram(quant, buffers, packed.steps),
    sizes: { ...sizes, ...(form === 'wasi' && { wasi: REGION }) },
  };
}

export interface Linked {
  memory: MemoryMap;
  program: Program;
  /** Weights and tables, from the map's base on; without weights that are a file apart. */
  data: Uint8Array;
  /** Where the constants have addresses, and what those are, as addresses of items. */
  fixups: Fixup[];
}

/** `more`: sizes and places that do not follow from the parts. */
export function link({ quant, buffers, packed, program, sizes }: Parts, base: number, more: Partial<Packing> = {}): Linked {
  const memory = mapMemory(quant.plan, buffers, base, { ...sizes, ...more });
  const { tables, home, weights } = memory;
  const data = new Uint8Array(tables.address + tables.bytes - base);
  if (home === 'embed') data.set(packed.weights, weights.address - base);
  data.set(packed.tables, tables.address - base);
  const fixups = packed.fixups.map(({ at, to }) => ({ at: tablesAt + at, to }));
  if (buffers.sound) {
    const { frontEnd, block, state, spectrum } = buffers.sound;
    const front = packFrontEnd(frontEnd, block, { state, scratch: spectrum, row: buffers.inputs[0]?.address ?? 0 });
    data.set(front.bytes, memory.at(block) - base);
    for (const { at, to } of front.fixups) fixups.push({ at: block + at, to });
  }
  const view = new DataView(data.buffer);
  for (const { at, to } of memory.at(fixups)) view.setInt32(at - base, to, true);
  return { memory, program: { ...memory.at(program), reset: resetInstructions(quant.plan, memory) }, data, fixups };
}
