/**
 * StreamPlan: which layer runs when, on which frames, with which history.
 *
 * In: nothing (types).  Out: the value that planStream makes and that the quantiser, the emitter and the
 * printer read.
 * Time runs in units, which are frames where the graph has one input (clock.ts). A tensor's row i lies at
 * unit i * jump relative to the start of a window; rows of windows that start at multiples of the hop share
 * one grid, so every row is keyed by its absolute index.
 */

import type { Clock } from '../graph/clock.ts';
import type { Graph, Node } from '../graph/types.ts';
import type { StreamRule } from '../ops/op.ts';
import type { FoldReuse, Layout, Stream, Taps } from './edge/layout.ts';
import type { Mode } from './modes.ts';

/**
 * Which of the exact plans is taken. balanced: the least state among those within a tenth of the least work.
 * work: the least work, and of these the least state. ram: the least state and workspace among those with no
 * more state than balanced.
 */
export const preferences = ['work', 'balanced', 'ram'] as const;
export type Preference = (typeof preferences)[number];

export interface PlanOptions {
  /** Ticks between two outputs (clock.ts; frames, where the model has one input). */
  hop: number;
  /** Left out: of the exact modes the one whose plan `prefer` takes. */
  mode?: Mode;
  /** Left out: ram beside `budgetMacs`, work beside `budgetRam` alone, else balanced. */
  prefer?: Preference;
  /** Ticks that pass through the layers at once; divides the hop. Default: the hop. */
  microHop?: number;
  /** edge-exact: most bytes of state. */
  budgetRam?: number;
  /** edge-exact: most multiply-accumulates an output. */
  budgetMacs?: number;
  /**
   * edge-exact: reuse rows in the first `depth` layers only, and compute the others whole (mode `partial` of
   * the paper).
   */
  depth?: number;
}

/** The plan's part of options that hold more. */
export function planOptionsOf({ hop, mode, prefer, microHop, budgetRam, budgetMacs, depth }: PlanOptions): PlanOptions {
  return { hop, mode, prefer, microHop, budgetRam, budgetMacs, depth };
}

/** Where a tensor stands on the time grid (trunk tensors only), in units. */
export interface Timing {
  /** Time between two rows: the product of all strides, times the input's own. */
  jump: number;
  /** Time before the window that row 0 reads: left paddings times jump, summed. */
  lead: number;
  /** Row i is complete once i * jump + need of its window is in. */
  need: number;
  /** Right paddings times jump, summed: the look-ahead that replaces them. */
  lookAhead: number;
  /** Time that one row depends on. */
  receptiveField: number;
}

/** A trunk tensor: where its rows stand in time, and in its buffer. */
export interface TensorLayout extends Timing {
  tensor: number;
  /** Rows of one whole window. */
  windowRows: number;
  /** Rows that arrive with one micro-hop. */
  newRows: number;
  /** Rows kept from before; the buffer is [historyRows | newRows], oldest first. */
  historyRows: number;
  /**
   * Row of the buffer where the window starts when an output is due (edge-exact: may lie before the buffer).
   */
  windowFirstRow: number;
  /** Rows of the buffer between two rows of a window: 1, or the phases of edge-exact. */
  rowStep: number;
  /** edge-exact: its stream and what its edges need. */
  stream?: Stream;
}

/** A trunk tensor read by a step: which rows of its buffer. */
export interface StepInput {
  tensor: number;
  firstRow: number;
  rows: number;
}

interface StepBase {
  node: Node;
  inputs: StepInput[];
  output: number;
  /** Rows written per run. */
  outRows: number;
  /** Sliding along time for this run: padding is [0, 0] in the trunk, where real history stands instead. */
  rule: StreamRule;
  macsPerHop: number;
  macsPerWindow: number;
  /** Bytes of history (int8) or partial results that exist because of this step. */
  stateBytes: number;
  /**
   * Equal to the windowed model for every window; else equal to the window extended to the left and right.
   */
  exact: boolean;
}

/** The node over its input rows: new rows in the trunk, whole windows in the head. */
export interface RunStep extends StepBase {
  kind: 'run';
  section: 'trunk' | 'head';
}
/** Trunk part of a fold: new rows into the current hop's partial result. */
export interface AccumulateStep extends StepBase {
  kind: 'accumulate';
  section: 'trunk';
  /** Partial results: one slot per hop of the window. */
  slots: number;
}
/** Head part of a fold: all partial results of the window into the output. */
export interface FinishStep extends StepBase {
  kind: 'finish';
  section: 'head';
  slots: number;
}
/** A graph output taken from a trunk tensor's ring. */
export interface CopyStep extends StepBase {
  kind: 'copy';
  section: 'head';
}
/** edge-exact: the first layer, interior and edges, as partial tap sums. */
export interface TapsStep extends StepBase {
  kind: 'taps';
  section: 'trunk';
  taps: Taps;
}
/** edge-exact: the edges of a tensor. */
export interface EdgeStep extends StepBase {
  kind: 'edge';
  section: 'edge';
  /** The step of the layer's interior computes its edges too, as partial tap sums. */
  byTaps: boolean;
}
/** A reduction over a window as accumulators of the windows that wait. */
export interface FoldStep extends StepBase {
  kind: 'fold';
  section: 'edge';
  fold: FoldReuse;
}

/** `trunk` runs on every micro-hop, `edge` on every hop, `head` once an output. */
export type Step = RunStep | AccumulateStep | FinishStep | CopyStep | TapsStep | EdgeStep | FoldStep;

export interface StreamPlan {
  graph: Graph;
  /** What was asked for. */
  options: PlanOptions;
  mode: Mode;
  /** Why this mode, one sentence. */
  reason: string;
  /** Rates of the inputs. Numbers of frames below are ticks of it. */
  clock: Clock;
  window: number;
  hop: number;
  microHop: number;
  /** Ticks that are a multiple of all jumps in the trunk, the least: hops must be multiples of it. */
  alignment: number;
  /** Output n is due once n * hop + window + delay frames are in. */
  delayFrames: number;
  /** L_a: input frames before a window that its output depends on. */
  leftContextFrames: number;
  /** First outputs that depend on frames before the first one, and are not reported. */
  warmUpHops: number;
  /**
   * edge-exact: phases of the tensors (their least common multiple), and outputs after which phases and
   * waiting windows repeat.
   */
  phases: number;
  period: number;
  /** edge-exact: what was chosen. */
  layout?: Layout;
  /** Trunk tensors, by tensor id. */
  tensors: Map<number, TensorLayout>;
  /** Trunk steps, then head steps, each in order. */
  steps: Step[];
  macsPerHop: number;
  macsPerWindow: number;
  /** Bytes of history, partial results, queues and accumulators. */
  stateBytes: number;
  /** Share of the head in macsPerHop. */
  headShare: number;
}
