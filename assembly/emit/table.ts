/**
 * A program as a table that the interpreter of table-source.ts reads: a header of constants, then
 * instructions.
 *
 * In: a Program, its memory map and the kernels that the interpreter has.  Out: the bytes of the region
 * `program`.
 *
 * The header (i32 each) lies at the base of memory, so the interpreter is the same for every network. An
 * instruction is a code and its operands; a section ends with code 0. All numbers are signed LEB128
 * (WebAssembly core specification 5.2.2), so a call takes about 6 bytes.
 */

import { RunletError } from '../../models/error.ts';
import { append } from '../../models/lists.ts';
import type { QuantPlan } from '../../quant/plan.ts';
import type { Queue } from './buffers.ts';
import { infoCases } from './info.ts';
import { type Instruction, type Place, type Program, sectionNames } from './instruction.ts';
import type { KernelName } from './kernels.ts';
import type { MemoryMap } from './memory.ts';
import { sleb } from './patch.ts';
import { memoryBase } from './static-memory.ts';

/**
 * Fields of the header, in order. Sections, inputs, outputs and the constants of rn_info are addresses;
 * INFO_END is one past the last constant.
 */
export const headerFields = [
  ...(['HOP', 'MICRO_HOP', 'BLOCKS', 'INPUTS', 'INPUT_COUNT', 'STATE', 'OUTPUTS', 'OUTPUT_COUNT', 'INFO'] as const),
  ...(['INFO_END', 'TRUNK', 'EDGES', 'HEAD', 'ROTATE', 'SLIDE', 'RESET'] as const),
] as const;
export type HeaderField = (typeof headerFields)[number];
export const headerAt = (field: HeaderField): number => memoryBase + 4 * headerFields.indexOf(field);

/** Codes of all instructions except calls. Codes of kernels follow, in the order of the interpreter. */
export const codes = { end: 0, move: 1, moveSlot: 2, gather: 3, fill: 4, store: 5, advance: 6 } as const;
export const firstKernel = 7;

const isSlot = (place: Place): place is Queue => typeof place === 'object';
/** Returns a place as a queue. A fixed address is a queue of one slot. */
const slotOf = (place: Place) => (isSlot(place) ? [place.address, place.slots, place.slotBytes] : [place, 1, 0]);

/** Returns the code and the operands of an instruction. */
function wordsOf(i: Exclude<Instruction, { do: 'remark' }>, kernels: KernelName[]): [code: number, ...operands: number[]] {
  if (i.do === 'call') {
    const range = i.range ? [i.range.first, i.range.rows] : [];
    const index = kernels.indexOf(i.fn);
    if (index < 0) throw new RunletError('RN501', { what: `the interpreter has no kernel ${i.fn}`, tryThis: 'report it' });
    return [firstKernel + index, i.block, ...range];
  }
  if (i.do === 'move') {
    const { to, from, bytes } = i;
    if (!isSlot(to) && !isSlot(from)) return [codes.move, to, from, bytes];
    return [codes.moveSlot, ...slotOf(to), ...slotOf(from), bytes];
  }
  if (i.do === 'gather') return [codes.gather, i.to, i.from, i.rows, i.bytes, i.pitch];
  if (i.do === 'fill') return [codes.fill, i.to, i.value, i.bytes];
  if (i.do === 'store') return [codes.store, i.to, i.value];
  return [codes.advance, i.at, i.period];
}

export function packTable(quant: QuantPlan, map: MemoryMap, program: Program, kernels: KernelName[]): Uint8Array {
  const { plan } = quant;
  const header = new Map<HeaderField, number>([
    ['HOP', plan.hop],
    ['MICRO_HOP', plan.microHop],
    ['BLOCKS', plan.hop / plan.microHop],
    ['INPUT_COUNT', map.inputs.length],
    ['STATE', map.state.address],
    ['OUTPUT_COUNT', plan.graph.outputs.length],
  ]);
  // three words per input: where the host writes, where the trunk reads, bytes of a tick
  const inputs = map.inputs.flatMap(({ address, newRow, tickBytes }) => [address, newRow, tickBytes]);
  const outputs = plan.graph.outputs.map((port) => map.outputs.get(port.tensor) ?? 0);
  // after the outputs: block and samples of a front end
  const words = [...inputs, ...outputs, ...(map.sound ? [map.sound.block, map.sound.samples] : [])];
  header.set('INPUTS', memoryBase + 4 * headerFields.length);
  header.set('OUTPUTS', memoryBase + 4 * (headerFields.length + inputs.length));
  const bytes: number[] = [];
  const here = () => memoryBase + 4 * (headerFields.length + words.length) + bytes.length;
  const put = (...values: number[]) => {
    for (const value of values) append(bytes, sleb(value));
  };
  header.set('INFO', here());
  for (const [what, value] of infoCases(quant, map)) put(what, value);
  header.set('INFO_END', here());
  for (const name of sectionNames) {
    header.set(name.toUpperCase() as HeaderField, here());
    for (const i of program[name]) if (i.do !== 'remark') put(...wordsOf(i, kernels));
    put(codes.end);
  }
  const head = Int32Array.from([...headerFields.map((field) => header.get(field) ?? 0), ...words]);
  return Uint8Array.from([...new Uint8Array(head.buffer), ...bytes]);
}
