/**
 * StreamPlan (types): which layer runs when, on which rows, with which history.
 *
 * planStream makes a plan; the quantiser, the emitter and the printer read it.
 * A row is one time step of a tensor. The trunk is the part of the network that streams, the head the part
 * that is recomputed at every output. Time is counted in units (graph/clock.ts); with one input a unit is a
 * frame. Row i of a tensor lies i * jump units after the start of a window. Windows start at multiples of the
 * hop and their rows share one grid, so every row has an absolute index.
 */

import type { Clock } from '../graph/clock.ts';
import type { Graph, Node } from '../graph/types.ts';
import type { StreamRule } from '../ops/op.ts';
import type { FoldReuse, Layout, Stream, Taps } from './edge/layout.ts';
import type { Mode } from './modes.ts';

/**
 * How to choose among exact plans. `work`: the least work, then the least state. `balanced`: the least state
 * among plans with at most 10 % more than the least work. `ram`: the least sum of state and workspace among
 * plans with no more state than `balanced`.
 */
export const preferences = ['work', 'balanced', 'ram'] as const;
export type Preference = (typeof preferences)[number];

export interface PlanOptions {
  /** Ticks between two outputs (graph/clock.ts). With one input a tick is a frame. */
  hop: number;
  /** Streaming mode. Default: the exact mode whose plan `prefer` chooses. */
  mode?: Mode;
  /** Default: `ram` if `budgetMacs` is set, `work` if only `budgetRam` is set, else `balanced`. */
  prefer?: Preference;
  /** Ticks that pass through the layers at once; a divisor of the hop. Default: the hop. */
  microHop?: number;
  /** Upper bound of the state of an exact plan, in bytes. Default: none. */
  budgetRam?: number;
  /** Upper bound of the work of an exact plan, in multiply-accumulates per output. Default: none. */
  budgetMacs?: number;
  /**
   * edge-exact: number of first layers that may reuse rows; the others compute whole windows (the paper's
   * partial streaming). Default: all layers.
   */
  depth?: number;
}

/** Picks the plan options out of an object with more options. */
export function planOptionsOf({ hop, mode, prefer, microHop, budgetRam, budgetMacs, depth }: PlanOptions): PlanOptions {
  return { hop, mode, prefer, microHop, budgetRam, budgetMacs, depth };
}

/** Position of a trunk tensor on the time grid, in units. */
export interface Timing {
  /** Time between two rows: the input's frame time multiplied by all strides. */
  jump: number;
  /** Time before the window that row 0 depends on: the sum of left padding times jump. */
  lead: number;
  /** Row i can be computed once i * jump + need units of its window have arrived. */
  need: number;
  /** Time after the window that replaces the right padding: the sum of right padding times jump. */
  lookAhead: number;
  /** Time that one row depends on. */
  receptiveField: number;
}

/** A trunk tensor: position of its rows in time and in its buffer. */
export interface TensorLayout extends Timing {
  tensor: number;
  /** Rows of one window. */
  windowRows: number;
  /** Rows that one micro-hop adds. */
  newRows: number;
  /** Earlier rows that are kept. The buffer is [historyRows | newRows], oldest first. */
  historyRows: number;
  /**
   * Buffer row where the window starts when an output is due. edge-exact: negative if that row is not kept.
   */
  windowFirstRow: number;
  /** Distance of two window rows in the buffer: 1, or in edge-exact the number of phases. */
  rowStep: number;
  /** edge-exact: the stream of interior rows, and which rows the edges need. */
  stream?: Stream;
}

/** Rows of a tensor's buffer that a step reads. */
export interface StepInput {
  tensor: number;
  firstRow: number;
  rows: number;
}

interface StepBase {
  node: Node;
  inputs: StepInput[];
  output: number;
  /** Rows that one run writes. */
  outRows: number;
  /** Streaming rule of this run. In the trunk history replaces padding, which is [0, 0] (approx: kept). */
  rule: StreamRule;
  macsPerHop: number;
  macsPerWindow: number;
  /** Bytes of history or partial results that are kept for this step. */
  stateBytes: number;
  /**
   * True: every window's rows equal the windowed model's. False: they equal the model's on windows extended
   * to the left and right (in mode approx not even these).
   */
  exact: boolean;
}

/** Runs a node: on new rows in the trunk, on whole windows in the head. */
export interface RunStep extends StepBase {
  kind: 'run';
  section: 'trunk' | 'head';
}
/** Trunk part of a fold: adds new rows to the current hop's partial result. */
export interface AccumulateStep extends StepBase {
  kind: 'accumulate';
  section: 'trunk';
  /** Number of partial results: one per hop of the window. */
  slots: number;
}
/** Head part of a fold: combines the window's partial results into the output. */
export interface FinishStep extends StepBase {
  kind: 'finish';
  section: 'head';
  slots: number;
}
/** Copies a graph output from a trunk tensor's buffer. */
export interface CopyStep extends StepBase {
  kind: 'copy';
  section: 'head';
}
/** edge-exact: interior and edge rows of a first layer, computed as partial tap sums. */
export interface TapsStep extends StepBase {
  kind: 'taps';
  section: 'trunk';
  taps: Taps;
}
/** edge-exact: the rows of a tensor that touch a window edge. */
export interface EdgeStep extends StepBase {
  kind: 'edge';
  section: 'edge';
  /** True: the layer's TapsStep computes these rows; this step only places them. */
  byTaps: boolean;
}
/** A reduction over a window from partial results that are kept between hops. */
export interface FoldStep extends StepBase {
  kind: 'fold';
  section: 'edge';
  fold: FoldReuse;
}

/** Section `trunk` runs at every micro-hop, `edge` at every hop, `head` at every output. */
export type Step = RunStep | AccumulateStep | FinishStep | CopyStep | TapsStep | EdgeStep | FoldStep;

export interface StreamPlan {
  graph: Graph;
  /** The options that the plan was made from. */
  options: PlanOptions;
  mode: Mode;
  /** Why this mode was chosen: one sentence. */
  reason: string;
  /** Common clock of the inputs. The times below count its ticks. */
  clock: Clock;
  window: number;
  hop: number;
  microHop: number;
  /** Total stride in ticks, of which hops must be multiples: least common multiple of the trunk's jumps. */
  alignment: number;
  /** Delay in ticks: output n is due once n * hop + window + delayFrames ticks have arrived. */
  delayFrames: number;
  /** L_a: number of ticks before a window that its output depends on. */
  leftContextFrames: number;
  /** Number of first outputs that depend on frames before frame 0; they are not reported. */
  warmUpHops: number;
  /** edge-exact: least common multiple of the tensors' numbers of phases. */
  phases: number;
  /** Number of outputs after which phases and queue positions repeat. */
  period: number;
  /** edge-exact: the chosen layout. */
  layout?: Layout;
  /** By tensor id; trunk tensors only. */
  tensors: Map<number, TensorLayout>;
  /** Trunk steps, then edge steps, then head steps, each in execution order. */
  steps: Step[];
  macsPerHop: number;
  macsPerWindow: number;
  /** Bytes of history, partial results, queues and accumulators that are kept between hops. */
  stateBytes: number;
  /** Share of the head in macsPerHop, from 0 to 1. */
  headShare: number;
}
