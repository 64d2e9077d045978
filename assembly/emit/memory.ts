/**
 * The memory map: the exact address of everything in a module.
 *
 * In: what a network has in memory (buffers.ts), sizes of packed data.  Out: MemoryMap.
 *
 *   base  | program | weights | tables | state | io | scratch | region of a command (emit/wasi.ts) |  end
 *
 * Weights that the host copies (home `linear`) lie behind the tables, so that program and tables stay one
 * data segment. With home `tile` no weights are in memory. The program at the base is the header and the
 * instructions of a layer table (emit/table.ts), or the constants of rn_info (emit/info.ts). Items in scratch
 * share memory if their lifetimes do not overlap; the largest items are placed first.
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
  /** With home `tile`, the size of the weights in their file; they have no address in memory. */
  weights: Region;
  tables: Region;
  state: Region;
  /** Items of the state, in order. */
  stateItems: StateItem[];
  io: Region;
  scratch: Region;
  /** Workspace of calls: inside scratch, at its end. */
  work: Region;
  end: number;
  inputs: InputBuffer[];
  directInput: boolean;
  /** Addresses by tensor id. */
  outputs: ReadonlyMap<number, number>;
  /** Region of a command, at the end of memory. */
  wasi?: Region;
  sound?: Sound;
  /** Returns `value` with the real address in place of each symbolic one (address.ts). */
  at<T>(value: T): T;
}

/** Inputs that do not follow from the buffers: sizes of regions, and outputs that an earlier step writes. */
export interface Packing {
  weights: number;
  tables: number;
  program?: number;
  /** Home of the weights. With home `tile` they are not in memory. */
  home?: Home;
  /** Workspace of a kernel call, in bytes. One call runs at a time. */
  work?: number;
  /** Size of the region of a command (emit/wasi.ts). */
  wasi?: number;
  /** For a step whose output the call of an earlier step writes: that earlier step. */
  pooled?: ReadonlyMap<Step, Step>;
  /** Where writable regions begin. Default: right behind the read-only regions. */
  state?: number;
}

const align = (address: number, to = alignment) => Math.ceil(address / to) * to;

/**
 * Assigns the lowest addresses from `start` on such that items alive at the same step do not overlap. Returns
 * the total size.
 */
function overlay(items: ScratchItem[], start: number, starts: Map<number, number>): number {
  const placed: (ScratchItem & { at: number })[] = [];
  for (const item of [...items].sort((p, q) => q.bytes - p.bytes || p.from - q.from)) {
    const alive = placed.filter((p) => p.from <= item.to && item.from <= p.to).sort((p, q) => p.at - q.at);
    let at = 0;
    for (const p of alive) if (at + item.bytes > p.at) at = Math.max(at, align(p.at + p.bytes));
    placed.push({ ...item, at });
    starts.set(itemOf(item.address), start + at);
  }
  return placed.reduce((end, { at, bytes }) => Math.max(end, at + bytes), 0);
}

/** Lets items that the call of an earlier step writes live from that step on. */
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
