/**
 * Everything about a module but its code: where its buffers lie, what its constants are, what it runs.
 *
 * In: a QuantPlan and a style.  Out: memory map, packed weights and tables, program; what lies at its base: the program's bytes with
 * style `table`, else the constants of rn_info.
 * The first round, with addresses of 0, gives the sizes that the map needs.
 */
import type { FrontEnd } from '../../models/frontend/types.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import type { Form } from '../bundle/manifest.ts';
import { packFrontEnd } from '../frontend/pack.ts';
import { REGION } from '../runtime/numbers.ts';
import type { Home } from './home.ts';
import { packInfo } from './info.ts';
import type { KernelName } from './kernels.ts';
import { type Lists, listProgram } from './lists.ts';
import { type MemoryMap, mapMemory } from './memory.ts';
import { type Packed, pack, type WeightsPlace } from './pack.ts';
import { makeProgram, type Program } from './program.ts';
import { memoryBase } from './static-memory.ts';
import { packTable } from './table.ts';
import type { Target } from './target.ts';

/** One call per layer, compiled for this network; or a table of layers and an interpreter that is the same for all networks. */
export type Style = 'calls' | 'table';

export interface Emitted {
  memory: MemoryMap;
  packed: Packed;
  program: Program;
  /** Style `calls`: the program with lists. */
  lists?: Lists;
  /** Program, weights and tables, from the map's base on; without weights that are a file apart. */
  data: Uint8Array;
  home: Home;
}

/** Where weights live. Tiles grow until they need more memory than the smallest tile of the largest layer. */
function placeOf(quant: QuantPlan, target: Target, wanted: Home): WeightsPlace {
  const home = quant.plan.steps.some(({ node }) => 'weights' in node.attrs) ? wanted : 'embed';
  return { home, room: home === 'tile' ? pack(quant, target, undefined, { home, room: 0 }).workBytes : 0 };
}

/** `kernels`: what the interpreter has, in its order. `frontEnd`: sound before the network. A network without weights has home `embed`. `form`: other than the ABI alone. */
export function emit(
  quant: QuantPlan,
  target: Target,
  kernels?: (program: Program) => KernelName[],
  frontEnd?: FrontEnd,
  wanted: Home = 'embed',
  form?: Form,
): Emitted {
  const { plan } = quant;
  const place = placeOf(quant, target, wanted);
  const { home } = place;
  const sizes = pack(quant, target, undefined, place);
  const bytes = {
    weights: sizes.weights.length,
    tables: sizes.tables.length,
    work: sizes.workBytes,
    pooled: sizes.pooled,
    home,
    ...(form === 'wasi' && { wasi: REGION }),
  };
  const round = (map: MemoryMap) => {
    const packed = pack(quant, target, map, place);
    const program = makeProgram(quant, map, packed.steps);
    if (kernels) return { packed, program, table: packTable(quant, map, program, kernels(program)) };
    const info = packInfo(quant, map);
    const lists = listProgram(program, map, memoryBase + info.length);
    return { packed, program, lists, table: Uint8Array.from([...info, ...lists.data]) };
  };
  let memory = mapMemory(plan, memoryBase, bytes, frontEnd);
  let made = round(memory);
  // higher addresses may take more bytes in the table
  while (made.table.length > memory.program.bytes) {
    memory = mapMemory(plan, memoryBase, { ...bytes, program: made.table.length }, frontEnd);
    made = round(memory);
  }
  const { packed, program, lists, table } = made;
  const data = new Uint8Array(memory.tables.address + memory.tables.bytes - memory.base);
  data.set(table, memory.program.address - memory.base);
  if (home === 'embed') data.set(packed.weights, memory.weights.address - memory.base);
  data.set(packed.tables, memory.tables.address - memory.base);
  if (memory.sound) {
    const { frontEnd: front, block, state } = memory.sound;
    const places = { state, scratch: memory.scratch.address, row: memory.inputs[0]?.address ?? 0 };
    data.set(packFrontEnd(front, block, places), block - memory.base);
  }
  return { memory, packed, program, ...(lists && { lists }), data, home };
}
