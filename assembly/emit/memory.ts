/**
 * The memory map: where everything of a module lies, to the byte.
 *
 * In: what a network has in memory (buffers.ts), sizes of what is packed.  Out: MemoryMap.
 *
 *   base  | program | weights | tables | state | io | scratch | a command's own (emit/wasi.ts) |  end
 *
 * Weights that the host copies (home `linear`) lie behind the tables, so that program and tables stay one
 * data segment; of home `tile` there are none. The program lies at the base: the header and instructions of a
 * layer table (emit/table.ts), else the constants of rn_info (emit/info.ts). Scratch is overlaid by lifetime,
 * largest first.
 */
import type { Step, StreamPlan } from '../../models/stream/types.ts';
import { frontEndTableBytes } from '../frontend/pack.ts';
import { itemOf, resolved } from './address.ts';
import {
  alignment,
  type Buffers,
  type InputBuffer,
  type ScratchItem,
  type Sound,
  type StateItem,
  tablesAt,
  weightsAt,
  workAt,
} from './buffers.ts';
import type { Home } from './home.ts';

export interface Region {
  address: number;
  bytes: number;
}

export interface MemoryMap {
  base: number;
  program: Region;
  home: Home;
  /** Of home `tile` as many bytes, and no address. */
  weights: Region;
  tables: Region;
  state: Region;
  /** What the state is, in order. */
  stateItems: StateItem[];
  io: Region;
  scratch: Region;
  /** Inside scratch, at its end. */
  work: Region;
  end: number;
  inputs: InputBuffer[];
  directInput: boolean;
  /** Addresses by tensor id. */
  outputs: ReadonlyMap<number, number>;
  /** The region of a command, at the end. */
  wasi?: Region;
  sound?: Sound;
  /** A value with the addresses of items in it (address.ts), as they are here. */
  at<T>(value: T): T;
}

/** What does not follow from the buffers: bytes of regions, and which outputs are written early. */
export interface Packing {
  weights: number;
  tables: number;
  program?: number;
  /** Where the weights live; those of home `tile` are not in memory. */
  home?: Home;
  /** What a kernel call needs beside its buffers, one call at a time. */
  work?: number;
  /** The region of a command (emit/wasi.ts). */
  wasi?: number;
  /** Per step the earlier one whose call writes its output. */
  pooled?: ReadonlyMap<Step, Step>;
  /** Where what is written begins, if not right behind what is only read. */
  state?: number;
}

const align = (address: number, to = alignment) => Math.ceil(address / to) * to;

/**
 * Lowest addresses from `start` on such that items alive at the same step do not overlap; returns the total.
 */
function overlay(items: ScratchItem[], start: number, starts: Map<number, number>): number {
  const placed: (ScratchItem & { at: number })[] = [];
  for (const item of [...items].sort((p, q) => q.bytes - p.bytes || p.from - q.from)) {
    const beside = placed.filter((p) => p.from <= item.to && item.from <= p.to).sort((p, q) => p.at - q.at);
    let at = 0;
    for (const p of beside) if (at + item.bytes > p.at) at = Math.max(at, align(p.at + p.bytes));
    placed.push({ ...item, at });
    starts.set(itemOf(item.address), start + at);
  }
  return placed.reduce((end, { at, bytes }) => Math.max(end, at + bytes), 0);
}

/** With steps whose call is another, earlier one. */
function early({ steps }: StreamPlan, scratch: ScratchItem[], pooled: Packing['pooled']): ScratchItem[] {
  return scratch.map((item) => {
    const writer = pooled?.get(steps[item.from] as Step);
    return writer ? { ...item, from: steps.indexOf(writer) } : item;
  });
}

export function mapMemory(plan: StreamPlan, buffers: Buffers, base: number, bytes: Packing): MemoryMap {
  const starts = new Map<number, number>();
  let at = base;
  const place = (bytes: number, to = alignment) => {
    const address = align(at, to);
    at = address + bytes;
    return address;
  };
  const region = (address: number): Region => ({ address, bytes: at - address });
  const put = (items: readonly { address: number; bytes: number; align: number }[]): Region => {
    const start = place(0);
    for (const item of items) starts.set(itemOf(item.address), place(item.bytes, item.align));
    return region(start);
  };

  const program = region(place(bytes.program ?? 0));
  const { home = 'embed' } = bytes;
  const placeWeights = () => (home === 'tile' ? { address: 0, bytes: bytes.weights } : region(place(bytes.weights, 16)));
  const before = home === 'linear' ? undefined : placeWeights();
  const tablesStart = place(bytes.tables);
  const { sound } = buffers;
  if (sound) starts.set(itemOf(sound.block), place(frontEndTableBytes(sound.frontEnd)));
  const tables = region(tablesStart);
  const weights = before ?? placeWeights();
  if (bytes.state !== undefined) at = bytes.state;
  const state = put(buffers.state);
  const io = put(buffers.io);
  const scratchStart = place(0);
  place(overlay(early(plan, buffers.scratch, bytes.pooled), scratchStart, starts), 1);
  const work = region(place(bytes.work ?? 0));
  const scratch = region(scratchStart);
  const wasi = bytes.wasi && region(place(bytes.wasi, 16));
  const end = place(0, 16);
  for (const [item, { address }] of [[weightsAt, weights], [tablesAt, tables], [workAt, work]] as const) // biome-ignore format: a table
    starts.set(itemOf(item), address);
  const found = <T>(value: T): T => resolved(value, starts);
  return {
    ...{ base, program, home, weights, tables, state, io, scratch, work, end, directInput: buffers.directInput, at: found },
    stateItems: found(buffers.state),
    inputs: found(buffers.inputs),
    outputs: new Map([...buffers.outputs].map(([tensor, address]) => [tensor, found(address)])),
    ...(wasi && { wasi }),
    ...(sound && {
      sound: { ...sound, ...found({ block: sound.block, state: sound.state, spectrum: sound.spectrum, samples: sound.samples }) },
    }),
  };
}
