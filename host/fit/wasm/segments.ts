/**
 * Splits a function into segments: straight pieces whose instructions run equally often.
 *
 * In: a function's instructions.  Out: segments in order; each instruction is in exactly one. A segment
 * begins at the function's start, and after each place that a jump can reach or leave: loop, if, else, the
 * end of an if, the end of a block that a jump leaves, br_if. Code after br, br_table, return or unreachable
 * never runs.
 */
import { type Instruction, op } from './decode.ts';

export interface Segment {
  /** Instructions [from, to). */
  from: number;
  to: number;
  /** True after an unconditional jump: the segment never runs and is not counted. */
  dead: boolean;
}

const leaves = new Set<number>([op.br, op.return, op.unreachable, op.brTable]);

/** The end of a segment. */
interface Boundary {
  /** Index of the segment's last instruction. */
  at: number;
  kind: 'loop' | 'if' | 'else' | 'endIf' | 'endBlock' | 'brIf' | 'leave' | 'endFunction';
}

/** Finds the ends of all segments. */
function boundariesOf(code: readonly Instruction[]): Boundary[] {
  const open: { kind: number; targeted: boolean }[] = [{ kind: op.block, targeted: false }];
  const found: Boundary[] = [];
  /** The end of a block is a boundary only if a jump targets the block. */
  for (const [at, { op: code_, value, list = [] }] of code.entries()) {
    const add = (kind: Boundary['kind']) => found.push({ at, kind });
    const aim = (depth: number) => {
      const target = open.at(-1 - depth);
      if (target) target.targeted = true;
    };
    if (code_ >= op.block && code_ <= op.if) {
      open.push({ kind: code_, targeted: false });
      if (code_ !== op.block) add(code_ === op.loop ? 'loop' : 'if');
    } else if (code_ === op.else) add('else');
    else if (code_ === op.end) {
      const block = open.pop();
      if (open.length === 0) add('endFunction');
      else if (block?.kind === op.if) add('endIf');
      else if (block?.kind === op.block && block.targeted) add('endBlock');
    } else if (code_ === op.brIf) {
      aim(value);
      add('brIf');
    } else if (leaves.has(code_)) {
      if (code_ === op.br) aim(value);
      if (code_ === op.brTable) for (const depth of list) aim(depth);
      add('leave');
    }
  }
  return found;
}

export function segmentsOf(code: readonly Instruction[]): Segment[] {
  const segments: Segment[] = [];
  let from = 0;
  let dead = false;
  for (const { at, kind } of boundariesOf(code)) {
    segments.push({ from, to: at + 1, dead });
    from = at + 1;
    dead = kind === 'leave' || (dead && (kind === 'loop' || kind === 'if'));
  }
  return segments;
}
