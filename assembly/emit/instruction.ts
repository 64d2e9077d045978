/**
 * The instructions of a module, and the sections that they stand in.
 *
 * A program has addresses of items (address.ts) until it is linked; then source.ts prints it as
 * AssemblyScript, or table.ts packs it.
 */
import type { Queue } from './buffers.ts';
import { type KernelName, kernels } from './kernels.ts';
import type { Call } from './ops/op.ts';

/** An address, or the slot of a queue whose turn it is: address + (phase % slots) * slotBytes. */
export type Place = number | Queue;

export interface CallInstruction {
  do: 'call';
  fn: KernelName;
  /** Address of its parameter block. */
  block: number;
  /** Rows that it writes, for kernels that take them. */
  range?: { first: number; rows: number };
}

export type Instruction =
  /** For readers only. */
  | { do: 'remark'; text: string }
  | CallInstruction
  | { do: 'move'; to: Place; from: Place; bytes: number; note?: string }
  /** `rows` rows of `bytes` that lie `pitch` bytes apart, to rows side by side. */
  | { do: 'gather'; to: number; from: number; rows: number; bytes: number; pitch: number; note?: string }
  | { do: 'fill'; to: number; value: number; bytes: number; note?: string }
  /** An i32. */
  | { do: 'store'; to: number; value: number; note?: string }
  /** The output counter to its next value, modulo the period. */
  | { do: 'advance'; at: number; period: number };

export interface Program {
  /** Every micro-hop. */
  trunk: Instruction[];
  /** Every hop: the right edge of this window, the left edge of a later one. Empty where there is none. */
  edges: Instruction[];
  /** Every output. */
  head: Instruction[];
  /** Every hop, after the head: partial results move on. */
  rotate: Instruction[];
  /** Every micro-hop, last: histories move down by the new rows. */
  slide: Instruction[];
  reset: Instruction[];
}

export const sectionNames = ['trunk', 'edges', 'head', 'rotate', 'slide', 'reset'] as const;

/** Kernels that a program calls, each once. */
export const kernelsOf = (program: Program): Set<KernelName> =>
  new Set(sectionNames.flatMap((name) => program[name].flatMap((i) => (i.do === 'call' ? [i.fn] : []))));

/** Instructions that read the output counter. */
export const readsPhase = (i: Instruction): boolean =>
  (i.do === 'call' && kernels[i.fn].takes === 'phase') ||
  i.do === 'advance' ||
  (i.do === 'move' && (typeof i.to === 'object' || typeof i.from === 'object'));

export function callInstruction(call: Call, first: number, rows: number): Instruction {
  if (call.copy) return { do: 'move', ...call.copy };
  const { fn, block, span = { first, rows } } = call;
  return { do: 'call', fn, block, ...(kernels[fn].takes === 'rows' ? { range: span } : {}) };
}
