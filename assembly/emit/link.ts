/**
 * Links a network: assigns addresses to everything that was packed and planned.
 *
 * In: a network's buffers, packed constants and program, all with symbolic addresses (address.ts); where
 * memory begins.  Out: the memory map, constants as bytes, and the program.
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
  /** A front end before the network. */
  frontEnd?: FrontEnd;
  /** Home of the weights. A network without weights has home `embed`. */
  home?: Home;
  /** Entry points of the module. Default: only those of the ABI. */
  form?: Form;
}

/** A network before addresses are assigned. */
export interface Parts {
  quant: QuantPlan;
  buffers: Buffers;
  packed: Packed;
  program: Omit<Program, 'reset'>;
  sizes: Packing;
}

/** Returns the home. `room`: workspace of calls with the smallest tiles; larger tiles may fill it. */
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
  /** Weights and tables, from the base of the map on; without weights in a separate file. */
  data: Uint8Array;
  /** Addresses inside the constants: where they are and what they are, as symbolic addresses. */
  fixups: Fixup[];
}

/** @param more sizes and addresses that do not follow from the parts. */
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
