/**
 * Lists what a network has in memory, before addresses are assigned.
 *
 * In: a StreamPlan, and a front end if there is one.  Out: Buffers: lists of items, and their symbolic
 * addresses (address.ts) by what they hold.
 *
 * State holds counters, partial results and histories, with edge-exact also left edges and accumulators of
 * waiting windows. A trunk tensor is a linear buffer [historyRows | newRows]. If newRows <= historyRows it is
 * in place: the whole buffer lies in the state, and its rows move down by newRows after each micro-hop.
 * Otherwise only its history lies in the state, and is copied to and from a scratch buffer around its
 * producer.
 */

import type { FrontEnd } from '../../models/frontend/types.ts';
import { carries } from '../../models/graph/recurrent.ts';
import { elementBytes, elementsOf } from '../../models/graph/types.ts';
import { type Padding, paddingBeforeStates, rowsBefore, valueBefore } from '../../models/stream/before.ts';
import { positionBytes } from '../../models/stream/edge/parts.ts';
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
  /** Name, for comments in generated code. */
  name: string;
  /** Value of every byte after rn_reset; undefined for a front end, which sets its own state. */
  first?: number;
  /** True if its words are running sums, which wrap around. */
  runningSums?: boolean;
}

/** An item in scratch. Items whose steps do not overlap share memory. */
export interface ScratchItem extends Item {
  /** Indexes of the step that writes it and of the last step that reads it. */
  from: number;
  to: number;
}

export interface TrunkBuffer {
  plan: TensorLayout;
  frameBytes: number;
  /** Address of row 0 of [historyRows | newRows]. */
  address: number;
  /** True if the whole buffer lies in the state, history and new rows. */
  inPlace: boolean;
  /** Address of the history, if it is kept separately. */
  history?: number;
}

export interface InputBuffer {
  /** Address at which the host writes the frames of one hop. */
  address: number;
  /** Address at which the trunk reads the new frames of a micro-hop. */
  newRow: number;
  /** Bytes per tick. */
  tickBytes: number;
}

/** A front end before the network. It makes rows while no layer runs, in the scratch of the layers. */
export interface Sound {
  frontEnd: FrontEnd;
  /** Addresses: block and tables, state, spectrum, samples of a hop. */
  block: number;
  state: number;
  spectrum: number;
  samples: number;
}

/** A queue with one slot per waiting window. */
export interface Queue {
  address: number;
  slots: number;
  slotBytes: number;
}

export interface Buffers {
  /** In the order of memory. */
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
  /** True if the host writes straight into the input tensor's new row (hop 1 and one input). */
  directInput: boolean;
  /** By output: addresses of the slots of a fold, and of the i32 that holds the current slot. */
  partials: Map<number, { address: number; slot: number }>;
  /**
   * By output: addresses of the state that a recurrent operator carries from row to row. Also for a layer in
   * front of such a state whose rows before the signal are padding: the number of those rows so far, and
   * their value.
   */
  states: Map<number, { count: number; last: number; cell: number; before: number }>;
  /**
   * edge-exact, by tensor id: address of row 0 of the window (edges included) and of the left chain (window n
   * + ahead).
   */
  windows: Map<number, number>;
  lefts: Map<number, number>;
  /** edge-exact: left edges of waiting windows, by tensor id. */
  queues: Map<number, Queue>;
  /** edge-exact, by the fold's output: addresses of accumulators and of running totals. */
  folds: Map<number, { address: number; totals: number }>;
  /** edge-exact, by tensor id: a ring of interior rows, and the position of each of its levels. */
  rings: Map<number, { rows: number; positions: number }>;
  /** edge-exact, by tensor id: the left edge of window n, if no buffer holds that whole window. */
  splices: Map<number, number>;
  /** edge-exact, by the first layer's output. */
  taps: Map<number, TapsBuffers>;
  sound?: Sound;
}

/**
 * Addresses: accumulators of open rows; records of window starts; waiting left edges, with and without
 * records.
 */
export interface TapsBuffers {
  accumulators: number;
  records: number;
  waiting: number;
  again: Queue;
}

/** Items of every network: packed data (pack.ts), and the workspace of a call. */
export const weightsAt = addressOf(1);
export const tablesAt = addressOf(2);
export const workAt = addressOf(3);
const firstItem = 4;

export const alignment = 8;

/** Makes items. The address of row 0 may lie before the item. */
class Maker {
  readonly state: StateItem[] = [];
  readonly io: Item[] = [];
  readonly scratch: ScratchItem[] = [];
  #items = firstItem;

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

/** Returns the steps that write and last read a tensor. `kinds`: kinds of the step that writes it. */
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
    const bytes = slots * partialBytes(graph, output, rule);
    partials.set(output, { slot, address: make.kept(bytes, node.name, isMaximum(step) ? -128 : 0) });
  }
  return partials;
}

/**
 * Makes the states that recurrent operators carry: number of skipped rows before the signal, latest output,
 * cell. Layers before them whose rows before the signal are padding have only the number.
 */
function statesOf(plan: StreamPlan, padding: ReadonlyMap<number, Padding>, make: Maker): Buffers['states'] {
  const { graph, steps } = plan;
  const states: Buffers['states'] = new Map();
  for (const { node, output, section } of steps) {
    const padded = section === 'trunk' && padding.has(output) && rowsBefore(plan, output) > 0;
    // if windows overlap, a recurrence in the head restarts at each window
    const isCarried = carries(node) && (section === 'trunk' || graph.stateful);
    if (!isCarried && !padded) continue;
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

const computing: Step['kind'][] = ['run', 'taps', 'finish', 'fold'];

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
      : make.shared((t.historyRows + t.newRows) * bytes, lifeOf(plan, tensor, computing));
    trunk.set(tensor, { plan: t, frameBytes: bytes, address, inPlace, ...history });
  }
  return trunk;
}

type Waiting = Pick<Buffers, 'queues' | 'folds' | 'rings' | 'taps'>;

/** Makes the items that wait from window to window in mode edge-exact. */
function waitingOf({ graph, steps, layout, tensors }: StreamPlan, make: Maker): Waiting {
  const found: Waiting = { queues: new Map(), folds: new Map(), rings: new Map(), taps: new Map() };
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
      const [slots, slotBytes] = [taps.unrecordedWaiting, Math.max(0, computed - taps.recorded) * bytes];
      const again = { address: slots > 0 ? make.kept(slots * slotBytes, name, zero) : 0, slots, slotBytes };
      found.taps.set(output, { accumulators, records, waiting, again });
    }
    const slotBytes = step.kind === 'edge' ? spliced * bytes : 0;
    if (ahead > 0 && slotBytes > 0)
      found.queues.set(output, { address: make.kept(ahead * slotBytes, name, zero), slots: ahead, slotBytes });
    if (step.kind !== 'fold') continue;
    const { fold } = step;
    if (fold.shared?.first) {
      const { levels } = fold.shared;
      const positions = make.kept(positionBytes * levels.length, `${name}, positions`, 0, { align: 4 });
      const rows = make.kept(levels.reduce((sum, n) => sum + n, 0) * fold.slotBytes, `${name}, ring`, 0);
      found.rings.set(step.node.inputs[0] as number, { positions, rows });
    }
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
 * Makes the scratch of heads, and of edge steps: rows [first, rows) of window n, and the rows of the left
 * chain of window n + ahead.
 */
function scratchOf(
  plan: StreamPlan,
  outputs: ReadonlyMap<number, number>,
  make: Maker,
): Pick<Buffers, 'head' | 'windows' | 'lefts' | 'splices'> {
  const { graph, steps, tensors } = plan;
  const head = new Map<number, number>();
  for (const { kind, section, output } of steps) {
    if (section === 'trunk' || !['run', 'fold', 'finish'].includes(kind) || outputs.has(output)) continue;
    head.set(output, make.shared(tensorBytes(plan, output), lifeOf(plan, output, computing)));
  }
  const [windows, lefts, splices] = [new Map<number, number>(), new Map<number, number>(), new Map<number, number>()];
  const edges = steps.flatMap(({ kind, output }) => {
    const stream = tensors.get(output)?.stream;
    if (kind !== 'edge' || !stream) return [];
    return [{ output, stream, frame: frameBytes(graph, output), life: lifeOf(plan, output, ['taps', 'edge']) }];
  });
  for (const { output, stream, frame, life } of edges) {
    const { window, rows } = stream;
    if (window && needsBuffer(stream) && !outputs.has(output))
      windows.set(output, make.shared((rows - window.first) * frame, life) - window.first * frame);
    if (stream.spliced > 0 && window?.first !== 0) splices.set(output, make.shared(stream.spliced * frame, life));
  }
  for (const { output, stream, frame, life } of edges) {
    const { leftEdge, phases } = stream;
    if (leftEdge && (leftEdge.computed > 0 || phases > 1)) lefts.set(output, make.shared(leftEdge.rows * frame, life));
  }
  return { head, windows, lefts, splices };
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

/** Returns the address of row 0 of a tensor, as an output or an edge step reads it. */
export function windowAddress(buffers: Buffers, tensor: number): number {
  // an output that a last step copies is read from its stream
  const output = buffers.copied.has(tensor) ? undefined : buffers.outputs.get(tensor);
  const address = buffers.windows.get(tensor) ?? output ?? buffers.head.get(tensor);
  if (address !== undefined) return address;
  const trunk = buffers.trunk.get(tensor);
  return trunk ? trunk.address + trunk.plan.windowFirstRow * trunk.frameBytes : 0;
}

/** Returns the address of row 0 of a tensor in the left chain, window n + ahead. */
export function leftAddress(buffers: Buffers, tensor: number, shift: number): number {
  const address = buffers.lefts.get(tensor);
  if (address !== undefined) return address;
  const trunk = buffers.trunk.get(tensor);
  return trunk ? trunk.address + (trunk.plan.windowFirstRow + shift) * trunk.frameBytes : 0;
}
