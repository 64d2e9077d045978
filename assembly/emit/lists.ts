/**
 * Replaces successive instructions of one kind by a list in memory and a loop over it, if that takes fewer
 * bytes than code for each.
 *
 * In: a program of style `calls` with known addresses.  Out: the same program with lists, and the bytes of
 * the lists, which lie behind the constants of rn_info. A move is u16 [3]: destination and source relative to
 * the state, and bytes. A call is u8 [2], kernel and rows, and u16, its block relative to the tables; it
 * starts at row 0. Instructions that do not fit stay code.
 */
import { append } from '../../models/lists.ts';
import { type CallInstruction, type Instruction, type Program, sectionNames } from './instruction.ts';
import type { KernelName } from './kernels.ts';
import type { MemoryMap } from './memory.ts';

type Move = Extract<Instruction, { do: 'move' }> & { to: number; from: number };
export interface MoveList {
  do: 'moves';
  at: number;
  items: Move[];
}
export interface CallList {
  do: 'calls';
  at: number;
  items: CallInstruction[];
}
export type Listed = Instruction | MoveList | CallList;
export type ListedProgram = Record<keyof Program, Listed[]>;

export interface Lists {
  program: ListedProgram;
  /** Kernels in the lists of calls, in the order of their numbers. */
  kernels: KernelName[];
  data: Uint8Array;
}

/** Bytes of code: a move, a call, a list, the loops, a kernel in a loop; addresses have three bytes. */
const cost = { move: 13, call: 10, list: 8, moves: 66, calls: 34, kernel: 17 };

/**
 * Bytes that a loop over several kernels must save at least. The optimiser inlines kernels that are called in
 * one place into the loop. Compilers for 32-bit cores then run out of registers (this costs 5 % on N2).
 */
const minSavedBytes = 100;

const small = (x: number) => x >= 0 && x < 65536;

const isMove =
  ({ state }: MemoryMap) =>
  (i: Listed): i is Move =>
    i.do === 'move' &&
    typeof i.to === 'number' &&
    typeof i.from === 'number' &&
    small(i.to - state.address) &&
    small(i.from - state.address) &&
    small(i.bytes);

const isCall =
  ({ tables }: MemoryMap) =>
  (i: Listed): i is CallInstruction =>
    i.do === 'call' && i.range?.first === 0 && i.range.rows < 256 && small(i.block - tables.address);

/** Replaces runs of at least `minLength` fitting instructions by lists. Remarks move before the list. */
function grouped<T extends Listed>(
  section: Listed[],
  fits: (i: Listed) => i is T,
  minLength: number,
  listOf: (items: T[]) => Listed,
): Listed[] {
  const out: Listed[] = [];
  let run: Listed[] = [];
  const flush = () => {
    const items = run.filter(fits);
    append(out, items.length < minLength ? run : [...run.filter((i) => i.do === 'remark'), listOf(items)]);
    run = [];
  };
  for (const i of section) {
    if (i.do === 'remark' || fits(i)) run.push(i);
    else {
      flush();
      out.push(i);
    }
  }
  flush();
  return out;
}

type Sections = [name: keyof Program, section: Listed[]][];

/** Makes lists of one kind in all sections, if they save bytes. `made` gets the lists. */
function withLists<L extends MoveList | CallList>(
  sections: Sections,
  pays: (lists: L[]) => boolean,
  group: (section: Listed[], made: L[]) => Listed[],
): { sections: Sections; made: L[] } {
  const made: L[] = [];
  const next = sections.map(([name, section]): Sections[number] => [name, group(section, made)]);
  return pays(made) ? { sections: next, made } : { sections, made: [] };
}

const bytesOf = (list: MoveList | CallList, { state, tables }: MemoryMap, kernels: KernelName[]): number[] => {
  const words =
    list.do === 'moves'
      ? list.items.flatMap(({ to, from, bytes }) => [to - state.address, from - state.address, bytes])
      : list.items.flatMap(({ fn, range, block }) => [kernels.indexOf(fn) + 256 * (range?.rows ?? 0), block - tables.address]);
  return [...new Uint8Array(Uint16Array.from(words).buffer)];
};

/** @param at address of the first list, even. */
export function listProgram(program: Program, map: MemoryMap, at: number): Lists {
  const kernelsOf = (lists: CallList[]) => [...new Set(lists.flatMap(({ items }) => items.map(({ fn }) => fn)))];
  const items = (lists: { items: unknown[] }[]) => lists.reduce((sum, list) => sum + list.items.length, 0);
  const moves = withLists<MoveList>(
    sectionNames.map((name) => [name, program[name]]),
    (made) => items(made) * cost.move > made.length * cost.list + cost.moves,
    (section, made) =>
      grouped(section, isMove(map), 1, (of) => {
        made.push({ do: 'moves', at: 0, items: of });
        return made.at(-1) as MoveList;
      }),
  );
  const calls = withLists<CallList>(
    moves.sections,
    (made) => {
      const kernels = kernelsOf(made).length;
      const saved = items(made) * cost.call - made.length * cost.list - cost.calls - kernels * cost.kernel;
      return saved > (kernels > 1 ? minSavedBytes : 0);
    },
    (section, made) =>
      grouped(section, isCall(map), 2, (of) => {
        made.push({ do: 'calls', at: 0, items: of });
        return made.at(-1) as CallList;
      }),
  );
  const kernels = kernelsOf(calls.made);
  const data: number[] = [];
  for (const list of [...moves.made, ...calls.made]) {
    list.at = at + data.length;
    append(data, bytesOf(list, map, kernels));
  }
  return { program: Object.fromEntries(calls.sections) as ListedProgram, kernels, data: Uint8Array.from(data) };
}
