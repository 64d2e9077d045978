/**
 * What a network has in memory, before anything has a place.
 *
 * In: a StreamPlan, and a front end where there is one.  Out: Buffers: lists of items, and their addresses
 * (address.ts) by what they hold.
 *
 * State holds counters, partial results, histories, and the left edges and accumulators of waiting windows
 * (edge-exact). A trunk tensor is [historyRows | newRows], linear: in place (the buffer lies in the state and
 * is moved by newRows after each micro-hop) where newRows <= historyRows, else its history is copied into a
 * scratch buffer around its producer.
 */

import type { FrontEnd } from '../../models/frontend/types.ts';
import { carries } from '../../models/graph/recurrent.ts';
import { elementBytes, elementsOf } from '../../models/graph/types.ts';
import { type Padding, paddingBeforeStates, rowsBefore, valueBefore } from '../../models/stream/before.ts';
import { needsBuffer } from '../../models/stream/edge/plan.ts';
import { frameBytes, partialBytes } from '../../models/stream/fold.ts';
import { streamingOf } from '../../models/stream/modes.ts';
import type { Step, StreamPlan, TensorLayout } from '../../models/stream/types.ts';
import { frontEndScratchBytes, frontEndStateBytes } from '../frontend/pack.ts';
import { COUNTER_BYTES } from '../runtime/numbers.ts';
import { addressOf } from './address.ts';

export interface Item {
  address: number;
  bytes: number;
  align: number;
}

export interface StateItem extends Item {
  /** For readers. */
  name: string;
  /** Every byte after rn_reset; undefined: a front end's, which sets its own. */
  first?: number;
  /** Its words are running sums, which wrap. */
  runningSums?: boolean;
}

/** Scratch is shared by items whose steps do not overlap. */
export interface ScratchItem extends Item {
  /** Indexes of the step that writes it and the last that reads it. */
  from: number;
  to: number;
}

export interface TrunkBuffer {
  plan: TensorLayout;
  frameBytes: number;
  /** Address of row 0 of [historyRows | newRows]. */
  address: number;
  /** It lies in the state, history and all. */
  inPlace: boolean;
  /** Address of the history where it is kept apart. */
  history?: number;
}

export interface InputBuffer {
  /** Where the host writes the frames of one hop. */
  address: number;
  /** Where the trunk finds the new frames of a micro-hop. */
  newRow: number;
  /** Bytes that a tick brings. */
  tickBytes: number;
}

/** A front end before the network: it makes a row while no layer runs, in the layers' scratch. */
export interface Sound {
  frontEnd: FrontEnd;
  /** Addresses of its block and tables, its state, its spectrum, and of the samples of a hop. */
  block: number;
  state: number;
  spectrum: number;
  samples: number;
}

/** One slot a waiting window. */
export interface Queue {
  address: number;
  slots: number;
  slotBytes: number;
}

export interface Buffers {
  /** In the order in which they lie in memory. */
  state: StateItem[];
  io: Item[];
  scratch: ScratchItem[];
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
  /** By output: the address of a fold's slots, and of the i32 current slot. */
  partials: Map<number, { address: number; slot: number }>;
  /**
   * By output: a recurrent operator's own state, where it goes on from row to row. Of a tensor whose rows
   * before the signal are padding to a layer in front of such a state: their number so far, and what they
   * hold.
   */
  states: Map<number, { count: number; last: number; cell: number; before: number }>;
  /**
   * edge-exact: address of row 0 of a tensor's window (edges included) and of its left chain (window n +
   * ahead), by tensor id.
   */
  windows: Map<number, number>;
  lefts: Map<number, number>;
  /** edge-exact: left edges of waiting windows, by tensor id. */
  queues: Map<number, Queue>;
  /** edge-exact: addresses of accumulators and running totals of folds, by the fold's output. */
  folds: Map<number, { address: number; totals: number }>;
  /** edge-exact: by the first layer's output. */
  taps: Map<number, TapsBuffers>;
  sound?: Sound;
}

/**
 * Addresses: accumulators of open rows, records of window starts, left edges that wait, with and without
 * records.
 */
export interface TapsBuffers {
  accumulators: number;
  records: number;
  waiting: number;
  again: Queue;
}

/** Items that every network has: what is packed (pack.ts), and what one call has to itself. */
export const weightsAt = addressOf(1);
export const tablesAt = addressOf(2);
export const workAt = addressOf(3);
const firstOwn = 4;

export const alignment = 8;

/** Makes items; addresses of row 0 may lie before the item. */
class Maker {
  readonly state: StateItem[] = [];
  readonly io: Item[] = [];
  readonly scratch: ScratchItem[] = [];
  #items = firstOwn;

  address(): number {
    return addressOf(this.#items++);
  }

  kept(bytes: number, name: string, first?: number, more: { align?: number; runningSums?: boolean } = {}): number {
    const address = this.address();
    this.state.push({ address, bytes, align: alignment, name, ...(first !== undefined && { first }), ...more });
    return address;
  }

  port(bytes: number): number {
    const address = this.address();
    this.io.push({ address, bytes, align: alignment });
    return address;
  }

  shared(bytes: number, life: { from: number; to: number }): number {
    const address = this.address();
    this.scratch.push({ address, bytes, align: alignment, ...life });
    return address;
  }
}

const isMaximum = ({ rule }: Step): boolean => rule.kind === 'fold' && rule.fold === 'max';

/** Steps that write and read a tensor; `kinds`: of the step that writes it. */
function lifeOf({ steps }: StreamPlan, tensor: number, kinds: Step['kind'][]): { from: number; to: number } {
  const from = steps.findIndex((s) => s.output === tensor && kinds.includes(s.kind));
  return { from, to: steps.reduce((end, s, i) => (s.inputs.some((x) => x.tensor === tensor) ? i : end), from) };
}

function partialsOf({ graph, steps }: StreamPlan, make: Maker): Buffers['partials'] {
  const partials: Buffers['partials'] = new Map();
  for (const step of steps) {
    if (step.kind !== 'accumulate') continue;
    const { rule, slots, output, node } = step;
    const slot = make.kept(4, `${node.name}, slot`, 0, { align: 4 });
    const bytes = slots * partialBytes(graph, output, rule.kind === 'fold' && rule.fold === 'sum');
    partials.set(output, { slot, address: make.kept(bytes, node.name, isMaximum(step) ? -128 : 0) });
  }
  return partials;
}

/**
 * What recurrent operators carry on: rows before the signal that were left out, the latest output, the cell.
 * Of layers before them whose rows before the signal are padding, their number alone.
 */
function statesOf(plan: StreamPlan, padding: ReadonlyMap<number, Padding>, make: Maker): Buffers['states'] {
  const { graph, steps } = plan;
  const states: Buffers['states'] = new Map();
  for (const { node, output, section } of steps) {
    const padded = section === 'trunk' && padding.has(output) && rowsBefore(plan, output) > 0;
    // where windows overlap, a head's recurrence begins anew at each
    const goesOn = carries(node) && (section === 'trunk' || graph.stateful);
    if (!goesOn && !padded) continue;
    const count = make.kept(4, `${node.name}, rows`, 0, { align: 4 });
    if (!carries(node)) {
      states.set(output, { count, last: 0, cell: 0, before: valueBefore(plan, output, padding.get(output)) });
      continue;
    }
    const { units } = node.attrs;
    const last = make.kept(units, `${node.name}, output`, graph.tensors[output]?.quant?.zeroPoint ?? 0);
    states.set(output, { count, last, cell: make.kept(2 * units, `${node.name}, cell`, 0), before: 0 });
  }
  return states;
}

const own: Step['kind'][] = ['run', 'taps', 'finish', 'fold'];

function trunkOf(plan: StreamPlan, padding: ReadonlyMap<number, Padding>, make: Maker): Buffers['trunk'] {
  const { graph } = plan;
  const trunk: Buffers['trunk'] = new Map();
  for (const [tensor, t] of plan.tensors) {
    const bytes = frameBytes(graph, tensor);
    const kept = (rows: number) => {
      return make.kept(rows * bytes, graph.tensors[tensor]?.name ?? '', valueBefore(plan, tensor, padding.get(tensor)));
    };
    const inPlace = graph.inputs.some((p) => p.tensor === tensor) || t.newRows <= t.historyRows;
    const history = !inPlace && t.historyRows > 0 ? { history: kept(t.historyRows) } : {};
    const address = inPlace
      ? kept(t.historyRows + t.newRows)
      : make.shared((t.historyRows + t.newRows) * bytes, lifeOf(plan, tensor, own));
    trunk.set(tensor, { plan: t, frameBytes: bytes, address, inPlace, ...history });
  }
  return trunk;
}

/** What waits from window to window in mode edge-exact. */
function waitingOf({ graph, steps, layout, tensors }: StreamPlan, make: Maker): Pick<Buffers, 'queues' | 'folds' | 'taps'> {
  const found: Pick<Buffers, 'queues' | 'folds' | 'taps'> = { queues: new Map(), folds: new Map(), taps: new Map() };
  const ahead = layout?.choice.ahead ?? 0;
  for (const step of steps) {
    const { output } = step;
    const bytes = frameBytes(graph, output);
    const { name = '', quant } = graph.tensors[output] ?? {};
    const zero = quant?.zeroPoint ?? 0;
    const { leftEdge, spliced = 0 } = tensors.get(output)?.stream ?? {};
    if (step.kind === 'taps') {
      const { taps } = step;
      const computed = leftEdge?.computed ?? 0;
      const left = Math.min(computed, taps.recorded) * bytes;
      const accumulators = make.kept(4 * taps.accRows * bytes, name, 0);
      const records = make.kept(4 * taps.records * left, name, 0);
      const waiting = make.kept(taps.waiting * left, name, zero);
      const [slots, slotBytes] = [taps.againWaiting, Math.max(0, computed - taps.recorded) * bytes];
      const again = { address: slots > 0 ? make.kept(slots * slotBytes, name, zero) : 0, slots, slotBytes };
      found.taps.set(output, { accumulators, records, waiting, again });
    }
    const slotBytes = step.kind === 'edge' ? spliced * bytes : 0;
    if (ahead > 0 && slotBytes > 0)
      found.queues.set(output, { address: make.kept(ahead * slotBytes, name, zero), slots: ahead, slotBytes });
    if (step.kind !== 'fold') continue;
    const { fold } = step;
    const first = isMaximum(step) ? -128 : 0;
    const sums = { runningSums: fold.method === 'totals' };
    found.folds.set(output, {
      address: make.kept(fold.slots * fold.slotBytes, name, first, sums),
      totals: make.kept(fold.stream.phases * fold.totalBytes, name, first, sums),
    });
  }
  return found;
}

/**
 * Scratch of heads, and of the edge steps: rows [first, rows) of window n, and the rows of the left chain of
 * window n + ahead.
 */
function scratchOf(
  plan: StreamPlan,
  outputs: ReadonlyMap<number, number>,
  make: Maker,
): Pick<Buffers, 'head' | 'windows' | 'lefts'> {
  const { graph, steps, tensors } = plan;
  const head = new Map<number, number>();
  for (const { kind, section, output } of steps) {
    if (section === 'trunk' || !['run', 'fold', 'finish'].includes(kind) || outputs.has(output)) continue;
    head.set(output, make.shared(tensorBytes(plan, output), lifeOf(plan, output, own)));
  }
  const [windows, lefts] = [new Map<number, number>(), new Map<number, number>()];
  const edges = steps.flatMap(({ kind, output }) => {
    const stream = tensors.get(output)?.stream;
    if (kind !== 'edge' || !stream) return [];
    return [{ output, stream, frame: frameBytes(graph, output), life: lifeOf(plan, output, ['taps', 'edge']) }];
  });
  for (const { output, stream, frame, life } of edges) {
    const { window, rows } = stream;
    if (window && needsBuffer(stream) && !outputs.has(output))
      windows.set(output, make.shared((rows - window.first) * frame, life) - window.first * frame);
  }
  for (const { output, stream, frame, life } of edges) {
    const { leftEdge, phases } = stream;
    if (leftEdge && (leftEdge.computed > 0 || phases > 1)) lefts.set(output, make.shared(leftEdge.rows * frame, life));
  }
  return { head, windows, lefts };
}

const tensorBytes = ({ graph }: StreamPlan, id: number): number => {
  const { shape, quant } = graph.tensors[id] ?? {};
  return shape ? elementsOf(shape) * elementBytes(quant) : 0;
};

export function buffersOf(plan: StreamPlan, frontEnd?: FrontEnd): Buffers {
  const { graph, steps, hop } = plan;
  const make = new Maker();
  make.kept(COUNTER_BYTES, 'counters', 0);
  const partials = partialsOf(plan, make);
  const padding = paddingBeforeStates(plan);
  const trunk = trunkOf(plan, padding, make);
  const states = statesOf(plan, padding, make);
  const waiting = waitingOf(plan, make);
  const sound = frontEnd && {
    frontEnd,
    block: make.address(),
    state: make.kept(frontEndStateBytes(frontEnd), 'front end'),
    samples: make.port(2 * hop * frontEnd.stepSamples),
    spectrum: make.shared(frontEndScratchBytes(frontEnd), { from: -1, to: -1 }),
  };
  const directInput = hop === 1 && !streamingOf(plan.mode).outputClock && graph.inputs.length === 1;
  const inputs = graph.inputs.map((port, i): InputBuffer => {
    const buffer = trunk.get(port.tensor) as TrunkBuffer;
    const newRow = buffer.address + buffer.plan.historyRows * buffer.frameBytes;
    const tickBytes = (plan.clock.rates[i] as number) * buffer.frameBytes;
    return { address: directInput ? newRow : make.port((frontEnd ? 1 : hop) * tickBytes), newRow, tickBytes };
  });
  const outputs = new Map<number, number>();
  for (const { tensor } of graph.outputs) if (!outputs.has(tensor)) outputs.set(tensor, make.port(tensorBytes(plan, tensor)));
  const shared = scratchOf(plan, outputs, make);
  const copied = new Set(steps.filter((s) => s.kind === 'copy').map((s) => s.output));
  const { state, io, scratch } = make;
  return {
    state,
    io,
    scratch,
    trunk,
    outputs,
    copied,
    inputs,
    directInput,
    partials,
    states,
    ...waiting,
    ...shared,
    ...(sound && { sound }),
  };
}

/** Address of row 0 of what an output or an edge step reads of a tensor. */
export function windowAddress(buffers: Buffers, tensor: number): number {
  // an output that is copied from its stream at the end is read from there
  const output = buffers.copied.has(tensor) ? undefined : buffers.outputs.get(tensor);
  const own = buffers.windows.get(tensor) ?? output ?? buffers.head.get(tensor);
  if (own !== undefined) return own;
  const trunk = buffers.trunk.get(tensor);
  return trunk ? trunk.address + trunk.plan.windowFirstRow * trunk.frameBytes : 0;
}

/** Address of row 0 of a tensor in the left chain, window n + ahead. */
export function leftAddress(buffers: Buffers, tensor: number, shift: number): number {
  const own = buffers.lefts.get(tensor);
  if (own !== undefined) return own;
  const trunk = buffers.trunk.get(tensor);
  return trunk ? trunk.address + (trunk.plan.windowFirstRow + shift) * trunk.frameBytes : 0;
}
