/**
 * Straight pieces of a function: instructions that run equally often.
 *
 * In: a function's instructions.  Out: segments in order, all instructions in exactly one. A segment begins
 * behind what control can reach by a jump, or where it may have left: a function's start, loop, if, else, the
 * end of an if or of a block that is jumped out of, br_if. Behind br, return and unreachable is code that
 * never runs.
 */
import { type Instruction, op } from './decode.ts';

export interface Segment {
  /** Instructions [from, to). */
  from: number;
  to: number;
  /** Behind an unconditional jump: never run, not counted. */
  dead: boolean;
}

const leaves = new Set<number>([op.br, op.return, op.unreachable, op.brTable]);

/** Whether control can come to what follows instruction i other than from i, and for `end` of which block. */
interface Boundary {
  /** Index of the instruction that is a segment's last. */
  at: number;
  kind: 'loop' | 'if' | 'else' | 'endIf' | 'endBlock' | 'brIf' | 'leave' | 'endFunction';
}

/** The last instructions of all segments. */
function boundariesOf(code: readonly Instruction[]): Boundary[] {
  const open: { kind: number; targeted: boolean }[] = [{ kind: op.block, targeted: false }];
  const found: Boundary[] = [];
  /** `end`s of blocks, by the block: kept where a jump goes there. */
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
