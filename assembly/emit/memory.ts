/**
 * The memory map: where every buffer of a module lies, to the byte.
 *
 * In: a StreamPlan and the sizes of weights and tables.  Out: MemoryMap.
 *
 *   base  | weights | tables | state | io | scratch |  end
 *
 * State holds counters, partial results and histories. A trunk tensor is [historyRows | newRows], linear: in place (the buffer lies in the
 * state and is moved by newRows after each micro-hop) where newRows <= historyRows, else its history is copied into a scratch buffer
 * around its producer. Scratch buffers overlay by lifetime, largest first.
 */
import { elementsOf, frameOf } from '../../models/graph/types.ts';
import type { Carry } from '../../models/stream/edges.ts';
import type { Step, StreamPlan, TensorPlan } from '../../models/stream/types.ts';

/** Offsets of the counters at the start of the state, i32 each. */
export const counters = { ready: 0, fill: 4, skip: 8, block: 12, phase: 16, whole: 20 } as const;
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
  weights: Region;
  tables: Region;
  state: Region;
  io: Region;
  scratch: Region;
  end: number;
  /** Alignment between and inside regions. */
  paddingBytes: number;
  trunk: Map<number, TrunkBuffer>;
  /** Head tensors that are not outputs, by tensor id. */
  head: Map<number, number>;
  /** Outputs by tensor id. */
  outputs: Map<number, number>;
  /** Where the host writes the frames of one hop. */
  input: number;
  /** The host writes straight into the input tensor's new row (hop 1). */
  directInput: boolean;
  partials: Map<number, Partial>;
  /** edge-exact: rows carried to the next window of each phase, by tensor id. */
  carries: Map<number, CarryBuffer>;
}

export interface CarryBuffer {
  carry: Carry;
  frameBytes: number;
  /** Address of phase 0; one slot of carry.rows frames a phase. */
  address: number;
  slotBytes: number;
}

export const alignment = 8;
const align = (address: number, to = alignment) => Math.ceil(address / to) * to;

interface Scratch {
  key: number;
  bytes: number;
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

export function mapMemory(plan: StreamPlan, base: number, weightBytes: number, tableBytes: number): MemoryMap {
  const { graph, steps } = plan;
  const shape = (id: number) => graph.tensors[id]?.shape ?? { t: 0, f: 0, c: 0 };
  let paddingBytes = 0;
  let at = base;
  const place = (bytes: number, to = alignment) => {
    const address = align(at, to);
    paddingBytes += address - at;
    at = address + bytes;
    return address;
  };
  const region = (address: number): Region => ({ address, bytes: at - address });

  const weights = region(place(weightBytes, 16));
  const tables = region(place(tableBytes));

  const stateStart = place(counterBytes);
  const inputTensor = graph.inputs[0]?.tensor ?? -1;
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
    const frameBytes = frameOf(shape(tensor));
    const inPlace = tensor === inputTensor || t.newRows <= t.historyRows;
    const buffer: TrunkBuffer = { tensor, plan: t, frameBytes, address: 0 };
    if (inPlace) buffer.address = place((t.historyRows + t.newRows) * frameBytes);
    else {
      if (t.historyRows > 0) buffer.history = place(t.historyRows * frameBytes);
      apart.push(buffer);
    }
    trunk.set(tensor, buffer);
  }
  const carries = new Map<number, CarryBuffer>();
  for (const { reuse, output } of steps) {
    if (!reuse?.carry) continue;
    const frameBytes = frameOf(shape(output));
    const slotBytes = reuse.carry.rows * frameBytes;
    carries.set(output, { carry: reuse.carry, frameBytes, slotBytes, address: place(slotBytes * reuse.carry.phases) });
  }
  const state = region(stateStart);

  const ioStart = place(0);
  const inputBuffer = trunk.get(inputTensor) as TrunkBuffer;
  const directInput = plan.hop === 1;
  const newRow = inputBuffer.address + inputBuffer.plan.historyRows * inputBuffer.frameBytes;
  const input = directInput ? newRow : place(plan.hop * inputBuffer.frameBytes);
  const outputs = new Map<number, number>();
  for (const port of graph.outputs)
    if (!outputs.has(port.tensor)) outputs.set(port.tensor, place(elementsOf(shape(port.tensor))));
  const io = region(ioStart);

  const scratchStart = place(0);
  const buffers: Scratch[] = [];
  const lifetime = (tensor: number) => {
    const made = steps.findIndex((s) => s.output === tensor && (s.kind === 'run' || s.kind === 'finish'));
    const last = steps.reduce((end, s, i) => (s.inputs.some((x) => x.tensor === tensor) ? i : end), made);
    return { from: made, to: last };
  };
  for (const b of apart) {
    buffers.push({ key: b.tensor, bytes: (b.plan.historyRows + b.plan.newRows) * b.frameBytes, ...lifetime(b.tensor), at: 0 });
  }
  for (const step of steps) {
    if (step.section !== 'head' || step.kind === 'copy' || outputs.has(step.output)) continue;
    buffers.push({ key: step.output, bytes: elementsOf(shape(step.output)), ...lifetime(step.output), at: 0 });
  }
  const scratchBytes = overlay(buffers);
  const head = new Map<number, number>();
  for (const b of buffers) {
    const buffer = trunk.get(b.key);
    if (buffer) buffer.address = scratchStart + b.at;
    else head.set(b.key, scratchStart + b.at);
  }
  place(scratchBytes, 1);
  const end = place(0, 16);
  const scratch = { address: scratchStart, bytes: scratchBytes };
  return {
    base,
    weights,
    tables,
    state,
    io,
    scratch,
    end,
    paddingBytes,
    trunk,
    head,
    outputs,
    input,
    directInput,
    partials,
    carries,
  };
}

/** Bytes of a fold's slots. */
export function partialBytes(plan: StreamPlan, step: Step): number {
  const elements = frameOf(plan.graph.tensors[step.output]?.shape ?? { t: 0, f: 0, c: 0 });
  return (step.slots ?? 0) * elements * (step.rule.kind === 'fold' && step.rule.fold === 'sum' ? 4 : 1);
}
