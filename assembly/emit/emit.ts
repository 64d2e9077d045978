/**
 * Everything about a module except its code: where its buffers lie, its constants, its program.
 *
 * In: a QuantPlan and a style.  Out: memory map, packed weights and tables, program; the bytes at the base of
 * memory: the packed program with style `table`, else the constants of rn_info.
 */
import type { QuantPlan } from '../../quant/plan.ts';
import { packInfo } from './info.ts';
import type { Program } from './instruction.ts';
import type { KernelName } from './kernels.ts';
import { type Linked, link, type PartsOptions, partsOf } from './link.ts';
import { type Lists, listProgram } from './lists.ts';
import type { MemoryMap } from './memory.ts';
import type { Packed } from './pack.ts';
import { memoryBase } from './static-memory.ts';
import { packTable } from './table.ts';
import type { Target } from './target.ts';

/**
 * `calls`: one call per layer, compiled for this network. `table`: a table of layers, and an interpreter that
 * is the same for all networks.
 */
export type Style = 'calls' | 'table';

export interface Emitted {
  memory: MemoryMap;
  packed: Packed;
  program: Program;
  /** Style `calls`: the program with lists. */
  lists?: Lists;
  /** Program, weights and tables, from the base of the map on; without weights in a separate file. */
  data: Uint8Array;
}

export interface EmitOptions extends PartsOptions {
  /** Style `table`: returns the kernels of the interpreter, in its order. */
  kernels?: (program: Program) => KernelName[];
}

export function emit(quant: QuantPlan, target: Target, options: EmitOptions = {}): Emitted {
  const parts = partsOf(quant, target, options);
  const round = (program: number): Linked & { lists?: Lists; table: Uint8Array } => {
    const linked = link(parts, memoryBase, { program });
    const { memory } = linked;
    const kernels = options.kernels?.(linked.program);
    if (kernels) return { ...linked, table: packTable(quant, memory, linked.program, kernels) };
    const info = packInfo(quant, memory);
    const lists = listProgram(linked.program, memory, memoryBase + info.length);
    return { ...linked, lists, table: Uint8Array.from([...info, ...lists.data]) };
  };
  // the program lies before everything else; as it grows, addresses grow, and may take more bytes in a table
  let made = round(0);
  while (made.table.length > made.memory.program.bytes) made = round(made.table.length);
  const { memory, program, lists, data, table } = made;
  data.set(table, memory.program.address - memory.base);
  return { memory, packed: parts.packed, program, ...(lists && { lists }), data };
}
