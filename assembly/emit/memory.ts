/**
 * The memory map: where every buffer of a module lies, to the byte.
 *
 * In: a StreamPlan, the sizes of weights and tables, and what packing joined.  Out: MemoryMap.
 *
 *   base  | program | weights | tables | state | io | scratch | a command's own (emit/wasi.ts) |  end
 *
 * Weights that the host copies (home `linear`) lie behind the tables, so that program and tables stay one data segment; of home `tile` there are none.
 *
 * The program lies at the base: the header and instructions of a layer table (emit/table.ts), else the constants of rn_info (emit/info.ts).
 * State holds counters, partial results, histories, and the left edges and accumulators of waiting windows (edge-exact). A trunk tensor is
 * [historyRows | newRows], linear: in place (the buffer lies in the state and is moved by newRows after each micro-hop) where newRows <=
 * historyRows, else its history is copied into a scratch buffer around its producer. Scratch buffers overlay by lifetime, largest first.
 */
import type { FrontEnd } from '../../models/frontend/types.ts';
import { elementBytes, elementsOf } from '../../models/graph/types.ts';
import { needsBuffer } from '../../models/stream/edge-plan.ts';
import { frameBytes, partialBytes as slotBytes } from '../../models/stream/fold.ts';
import type { FoldReuse } from '../../models/stream/layout.ts';
import type { Step, StreamPlan, TensorPlan } from '../../models/stream/types.ts';
import { frontEndScratchBytes, frontEndStateBytes, frontEndTableBytes } from '../frontend/pack.ts';
import type { Home } from './home.ts';

/** Offsets of the counters at the start of the state, i32 each; they end at a whole eight, so that what follows is cleared with them. */
export const counters = { ready: 0, fill: 4, skip: 8, block: 12, phase: 16 } as const;
export const counterBytes = 24;
/** Value of the first counter once rn_reset has run ('RUN1'). */
export const readyMark = 0x52554e31;

export interface TrunkBuffer {
  tensor: number;
  plan: TensorPlan;
  frameBytes: number;
  /** Address of row 0 of [historyRows | newRows]. */
  address: number;
  /** Address of the history where it is kept apart; undefined if in place. */
  history?: number;
}

export interface Partial {
  step: Step;
  address: number;
  bytes: number;
  /** Address of the i32 current slot. */
  slot: number;
}

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
  io: Region;
  scratch: Region;
  /** Inside scratch, at its end. */
  work: Region;
  end: number;
  /** Alignment between and inside regions. */
  paddingBytes: number;
  trunk: Map<number, TrunkBuffer>;
  /** Head tensors that are not outputs, by tensor id. */
  head: Map<number, number>;
  /** Outputs by tensor id. */
  outputs: Map<number, number>;
  /** Outputs that a last step copies from a trunk tensor. */
  copied: Set<number>;
  inputs: InputBuffer[];
  /** The host writes straight into the input tensor's new row (hop 1 and one input). */
  directInput: boolean;
  partials: Map<number, Partial>;
  /** edge-exact: address of row 0 of a tensor's window (edges included) and of its left chain (window n + ahead), by tensor id. */
  windows: Map<number, number>;
  lefts: Map<number, number>;
  /** edge-exact: left edges of waiting windows, by tensor id; accumulators and running totals of folds, by the fold's output. */
  queues: Map<number, Queue>;
  folds: Map<number, Queue & { method: FoldReuse['method']; totals: Region }>;
  /** edge-exact: accumulators of open rows, records of window starts, left edges that wait, by the first layer's output. */
  taps: Map<number, { accumulators: Region; records: Region; waiting: Region }>;
  /** The region of a command, at the end. */
  wasi?: Region;
  /** A front end before the network: its block and tables, its state, the samples of a hop. It makes a row while no layer runs, in the layers' scratch. */
  sound?: { frontEnd: FrontEnd; block: number; state: number; samples: number };
}

export interface InputBuffer {
  /** Where the host writes the frames of one hop. */
  address: number;
  /** Where the trunk finds the new frames of a micro-hop. */
  newRow: number;
  /** Bytes that a tick brings. */
  tickBytes: number;
}

/** One slot a waiting window. */
export interface Queue {
  address: number;
  slots: number;
  slotBytes: number;
}

export const alignment = 8;
const align = (address: number, to = alignment) => Math.ceil(address / to) * to;

interface Scratch {
  key: number;
  bytes: number;
  /** Bytes of rows before the first that the buffer holds. */
  before?: number;
  from: number;
  to: number;
  at: number;
}

/** Lowest addresses such that buffers alive at the same step do not overlap; returns the total. */
function overlay(buffers: Scratch[]): number {
  const placed: Scratch[] = [];
  for (const b of [...buffers].sort((p, q) => q.bytes - p.bytes || p.from - q.from)) {
    const beside = placed.filter((p) => p.from <= b.to && b.from <= p.to).sort((p, q) => p.at - q.at);
    b.at = 0;
    for (const p of beside) if (b.at + b.bytes > p.at) b.at = Math.max(b.at, align(p.at + p.bytes));
    placed.push(b);
  }
  return placed.reduce((end, b) => Math.max(end, b.at + b.bytes), 0);
}

/** What does not follow from the plan: bytes of regions, and which outputs are written early. */
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

export function mapMemory(plan: StreamPlan, base: number, bytes: Packing, frontEnd?: FrontEnd): MemoryMap {
  const { graph, steps } = plan;
  const shape = (id: number) => graph.tensors[id]?.shape ?? { t: 0, f: 0, c: 0 };
  const tensorBytes = (id: number) => elementsOf(shape(id)) * elementBytes(graph.tensors[id]?.quant);
  let paddingBytes = 0;
  let at = base;
  const place = (bytes: number, to = alignment) => {
    const address = align(at, to);
    paddingBytes += address - at;
    at = address + bytes;
    return address;
  };
  const region = (address: number): Region => ({ address, bytes: at - address });

  const program = region(place(bytes.program ?? 0));
  const { home = 'embed' } = bytes;
  const placeWeights = () => (home === 'tile' ? { address: 0, bytes: bytes.weights } : region(place(bytes.weights, 16)));
  const early = home === 'linear' ? undefined : placeWeights();
  const tablesStart = place(bytes.tables);
  const block = frontEnd && place(frontEndTableBytes(frontEnd));
  const tables = { address: tablesStart, bytes: at - tablesStart };
  const weights = early ?? placeWeights();

  if (bytes.state !== undefined) at = bytes.state;
  const stateStart = place(counterBytes);
  const partials = new Map<number, Partial>();
  for (const step of steps) {
    if (step.kind !== 'accumulate') continue;
    const slot = place(4, 4);
    const bytes = partialBytes(plan, step);
    partials.set(step.output, { step, bytes, address: place(bytes), slot });
  }
  const trunk = new Map<number, TrunkBuffer>();
  const apart: TrunkBuffer[] = [];
  for (const [tensor, t] of plan.tensors) {
    const bytes = frameBytes(graph, tensor);
    const inPlace = graph.inputs.some((p) => p.tensor === tensor) || t.newRows <= t.historyRows;
    const buffer: TrunkBuffer = { tensor, plan: t, frameBytes: bytes, address: 0 };
    if (inPlace) buffer.address = place((t.historyRows + t.newRows) * bytes);
    else {
      if (t.historyRows > 0) buffer.history = place(t.historyRows * bytes);
      apart.push(buffer);
    }
    trunk.set(tensor, buffer);
  }
  const queues = new Map<number, Queue>();
  const folds: MemoryMap['folds'] = new Map();
  const ahead = plan.layout?.choice.ahead ?? 0;
  const taps: MemoryMap['taps'] = new Map();
  for (const { kind, work, fold, taps: sums, output } of steps) {
    if (kind === 'taps' && sums && work) {
      const left = (work.left?.computed ?? 0) * frameBytes(graph, output);
      const own = (bytes: number) => ({ address: place(bytes), bytes });
      taps.set(output, {
        accumulators: own(4 * sums.accRows * frameBytes(graph, output)),
        records: own(4 * sums.records * left),
        waiting: own(sums.waiting * left),
      });
    }
    const slotBytes = kind === 'edge' ? (work?.spliced ?? 0) * frameBytes(graph, output) : 0;
    if (ahead > 0 && slotBytes > 0) queues.set(output, { address: place(ahead * slotBytes), slots: ahead, slotBytes });
    if (!fold) continue;
    const bytes = fold.interior.step * fold.totalBytes;
    folds.set(output, {
      address: place(fold.slots * fold.slotBytes),
      slots: fold.slots,
      slotBytes: fold.slotBytes,
      method: fold.method,
      totals: { address: place(bytes), bytes },
    });
  }
  const soundState = frontEnd && place(frontEndStateBytes(frontEnd));
  const state = region(stateStart);

  const ioStart = place(0);
  const samples = frontEnd && place(2 * plan.hop * frontEnd.stepSamples);
  const directInput = plan.hop === 1 && plan.mode !== 'misaligned' && graph.inputs.length === 1;
  const inputs = graph.inputs.map((port, i): InputBuffer => {
    const buffer = trunk.get(port.tensor) as TrunkBuffer;
    const newRow = buffer.address + buffer.plan.historyRows * buffer.frameBytes;
    const tickBytes = (plan.clock.rates[i] as number) * buffer.frameBytes;
    return { address: directInput ? newRow : place((frontEnd ? 1 : plan.hop) * tickBytes), newRow, tickBytes };
  });
  const outputs = new Map<number, number>();
  for (const port of graph.outputs) if (!outputs.has(port.tensor)) outputs.set(port.tensor, place(tensorBytes(port.tensor)));
  const io = region(ioStart);

  const scratchStart = place(0);
  const buffers: Scratch[] = [];
  const lifetime = (tensor: number, kinds = ['run', 'taps', 'finish', 'fold']) => {
    const made = steps.findIndex((s) => s.output === tensor && kinds.includes(s.kind));
    const writer = bytes.pooled?.get(steps[made] as Step);
    const last = steps.reduce((end, s, i) => (s.inputs.some((x) => x.tensor === tensor) ? i : end), made);
    return { from: writer ? steps.indexOf(writer) : made, to: last };
  };
  for (const b of apart) {
    buffers.push({ key: b.tensor, bytes: (b.plan.historyRows + b.plan.newRows) * b.frameBytes, ...lifetime(b.tensor), at: 0 });
  }
  const ownBuffer = ({ kind, section, output }: Step) =>
    section !== 'trunk' && (kind === 'run' || kind === 'fold' || kind === 'finish') && !outputs.has(output);
  const heads = steps.filter(ownBuffer).map((step): Scratch => {
    return { key: step.output, bytes: tensorBytes(step.output), ...lifetime(step.output), at: 0 };
  });
  const edges = edgeBuffers(plan, outputs, (tensor) => lifetime(tensor, ['taps', 'edge']));
  const layers = overlay([...buffers, ...heads, ...edges.windows, ...edges.lefts]);
  const scratchBytes = Math.max(layers, frontEnd ? frontEndScratchBytes(frontEnd) : 0);
  for (const b of buffers) (trunk.get(b.key) as TrunkBuffer).address = scratchStart + b.at;
  /** Addresses of row 0, which may lie before the buffer. */
  const rowZero = (list: Scratch[]) => new Map(list.map((b) => [b.key, scratchStart + b.at - (b.before ?? 0)]));
  const head = rowZero(heads);
  place(scratchBytes, 1);
  const work = region(place(bytes.work ?? 0));
  const scratch = region(scratchStart);
  const wasi = bytes.wasi && region(place(bytes.wasi, 16));
  const end = place(0, 16);
  return {
    base,
    program,
    home,
    weights,
    tables,
    state,
    io,
    scratch,
    work,
    end,
    paddingBytes,
    trunk,
    head,
    outputs,
    copied: new Set(steps.filter((s) => s.kind === 'copy').map((s) => s.output)),
    inputs,
    directInput,
    partials,
    windows: rowZero(edges.windows),
    lefts: rowZero(edges.lefts),
    queues,
    folds,
    taps,
    ...(wasi && { wasi }),
    ...(frontEnd && { sound: { frontEnd, block: block as number, state: soundState as number, samples: samples as number } }),
  };
}

/** Scratch of the edge steps: rows [first, rows) of window n, and the rows of the left chain of window n + ahead. */
function edgeBuffers(plan: StreamPlan, outputs: Map<number, number>, lifetime: (tensor: number) => { from: number; to: number }) {
  const windows: Scratch[] = [];
  const lefts: Scratch[] = [];
  for (const { kind, work, output } of plan.steps) {
    const interior = plan.layout?.interiors.get(output);
    if (kind !== 'edge' || !work || !interior) continue;
    const frame = frameBytes(plan.graph, output);
    const at = { key: output, ...lifetime(output), at: 0 };
    const { window, left, spliced } = work;
    if (window && needsBuffer(interior, window.right, spliced) && !outputs.has(output))
      windows.push({ ...at, bytes: (interior.edge.rows - window.first) * frame, before: window.first * frame });
    if (left && (left.computed > 0 || interior.step > 1)) lefts.push({ ...at, bytes: left.rows * frame });
  }
  return { windows, lefts };
}

/** Address of row 0 of what an output or an edge step reads of a tensor. */
export function windowAddress(map: MemoryMap, tensor: number): number {
  // an output that is copied from its stream at the end is read from there
  const output = map.copied.has(tensor) ? undefined : map.outputs.get(tensor);
  const own = map.windows.get(tensor) ?? output ?? map.head.get(tensor);
  if (own !== undefined) return own;
  const trunk = map.trunk.get(tensor);
  return trunk ? trunk.address + trunk.plan.windowFirstRow * trunk.frameBytes : 0;
}

/** Address of row 0 of a tensor in the left chain, window n + ahead. */
export function leftAddress(map: MemoryMap, tensor: number, shift: number): number {
  const own = map.lefts.get(tensor);
  if (own !== undefined) return own;
  const trunk = map.trunk.get(tensor);
  return trunk ? trunk.address + (trunk.plan.windowFirstRow + shift) * trunk.frameBytes : 0;
}

/** Bytes of a fold's slots. */
export function partialBytes(plan: StreamPlan, step: Step): number {
  const { rule, slots = 0, output } = step;
  return slots * slotBytes(plan.graph, output, rule.kind === 'fold' && rule.fold === 'sum');
}
