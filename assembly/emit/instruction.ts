/**
 * The instructions of a module, and the sections that they belong to.
 *
 * A program has symbolic addresses (address.ts) until it is linked. Then source.ts prints it as
 * AssemblyScript, or table.ts packs it.
 */
import type { Queue } from './buffers.ts';
import { type KernelName, kernels } from './kernels.ts';
import type { Call } from './ops/op.ts';

/** An address, or the current slot of a queue: address + (phase % slots) * slotBytes. */
export type Place = number | Queue;

export interface CallInstruction {
  do: 'call';
  fn: KernelName;
  /** Address of its parameter block. */
  block: number;
  /** Rows to write, for kernels that take them. */
  range?: { first: number; rows: number };
}

export type Instruction =
  /** A comment for readers. */
  | { do: 'remark'; text: string }
  | CallInstruction
  | { do: 'move'; to: Place; from: Place; bytes: number; note?: string }
  /** Copies `rows` rows of `bytes` bytes, which lie `pitch` bytes apart, to adjacent rows. */
  | { do: 'gather'; to: number; from: number; rows: number; bytes: number; pitch: number; note?: string }
  | { do: 'fill'; to: number; value: number; bytes: number; note?: string }
  /** Stores an i32. */
  | { do: 'store'; to: number; value: number; note?: string }
  /** Sets the output counter to its next value, modulo the period. */
  | { do: 'advance'; at: number; period: number };

export interface Program {
  /** Runs at every micro-hop. */
  trunk: Instruction[];
  /** Runs at every hop: the right edge of this window, the left edge of a later one. Empty without edges. */
  edges: Instruction[];
  /** Runs at every output. */
  head: Instruction[];
  /** Runs at every hop, after the head: moves on to the next partial results. */
  rotate: Instruction[];
  /** Runs at every micro-hop, last: moves histories down by the new rows. */
  slide: Instruction[];
  reset: Instruction[];
}

export const sectionNames = ['trunk', 'edges', 'head', 'rotate', 'slide', 'reset'] as const;

/** Returns the kernels that a program calls, each once. */
export const kernelsOf = (program: Program): Set<KernelName> =>
  new Set(sectionNames.flatMap((name) => program[name].flatMap((i) => (i.do === 'call' ? [i.fn] : []))));

/** Checks whether an instruction reads the output counter. */
export const readsPhase = (i: Instruction): boolean =>
  (i.do === 'call' && kernels[i.fn].takes === 'phase') ||
  i.do === 'advance' ||
  (i.do === 'move' && (typeof i.to === 'object' || typeof i.from === 'object'));

export function callInstruction(call: Call, first: number, rows: number): Instruction {
  if (call.copy) return { do: 'move', ...call.copy };
  const { fn, block, span = { first, rows } } = call;
  return { do: 'call', fn, block, ...(kernels[fn].takes === 'rows' ? { range: span } : {}) };
}
