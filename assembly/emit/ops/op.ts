/**
 * What an operator needs to become code: its constants packed, and the kernel calls that run one step.
 *
 * In: a plan step with integer parameters and addresses.  Out: calls, each a kernel's name and the address of
 * its parameter block.
 */
import type { Ints, NodeOf, OpAttrs, OpName, Shape } from '../../../models/graph/types.ts';
import type { FoldReuse, Stream, Taps } from '../../../models/stream/edge/layout.ts';
import type { Step } from '../../../models/stream/types.ts';
import type { IntParams } from '../../../quant/ops/op.ts';
import type { At, Layout } from '../block.ts';
import type { Queue } from '../buffers.ts';
import type { Home } from '../home.ts';
import { type BlockOf, type KernelName, kernelNames } from '../kernels.ts';
import type { Need } from '../needs.ts';
import type { Target } from '../target.ts';

/**
 * weights[at(o, tap)] multiplies tap `tap` for output o, -1 stands for 0; outputs of different groups share
 * no tile.
 */
export interface TileShape {
  groups: number;
  outputs: number;
  taps: number;
  at(o: number, tap: number): number;
}

/** How a target's kernels read weights. */
export interface TileLayout {
  /** Outputs of a tile. */
  outputs: number;
  /** Outputs that are left after whole tiles may stand alone. */
  leaves: boolean;
  /** One tile, its taps filled up to whole fours. `weight`: of output o of the tile and tap i. */
  tile(weight: (o: number, i: number) => number, taps: number): Int8Array;
}

export type MacIo = StepIo<'conv'> | StepIo<'depthwise'> | StepIo<'dense'>;

/** What a target says of a module as a whole. */
export interface ModuleChoice {
  needs: Iterable<Need>;
  /**
   * simd: layers of one place a call have a kernel of their own; the same for depthwise layers of one row.
   */
  alone: boolean;
  rowAlone: boolean;
}

/** What differs between targets: a file of emit/targets. Every target computes the same bytes. */
export interface TargetParts {
  name: Target;
  /** Its kernels are in files of these ends: kernels/<op>-<suffix>.ts; others are for all targets. */
  suffixes: readonly string[];
  /** SIMD128. */
  vectors: boolean;
  /** Bytes past a buffer that kernels read and write. */
  past: number;
  /** How weights lie. */
  layout: TileLayout;
  /**
   * conv and dense: `shape` says where weights stand. Undefined where the operator's own kernel has to do it.
   */
  mac(op: 'conv' | 'dense', io: MacIo, shape: TileShape, ctx: EmitContext): Call | undefined;
  depthwise(io: StepIo<'depthwise'>, ctx: EmitContext): Call | undefined;
  /** Whether a convolution's kernel can take the largest of `places` places that follow each other. */
  pools(io: MacIo, places: number): boolean;
  /** Of all layers with weights; `pooled`: the layer takes the largest of several places. */
  module(layers: { io: MacIo; pooled: boolean }[], steps: number): ModuleChoice;
  /** The last change to a compiled module. */
  finish?(wasm: Uint8Array): Uint8Array;
}

export interface EmitContext {
  target: TargetParts;
  home: Home;
  /** Home `tile`: what a call may have to itself without that there is more memory for it. */
  room: number;
  module: Omit<ModuleChoice, 'needs'>;
  /** Says that a layer needs this of its kernel. */
  need(what: Need): void;
  /** Bytes that one call has to itself while it runs, and shares with all others; returns their address. */
  work(bytes: number): number;
  /**
   * Packs weights; returns their address, for home `tile` where they stand among all weights. `most`: of them
   * are fetched at once.
   */
  weights(data: Int8Array, most?: number): number;
  /** Packs a table (equal tables are shared); returns its address. */
  table(data: Ints | Int32Array | Float32Array): number;
  /** Packs a parameter block; returns its address. */
  block<T>(layout: Layout<T>, fields: NoInfer<T>): At<T>;
}

export interface StepIo<K extends OpName> {
  step: Step;
  node: NodeOf<K>;
  params: IntParams[K];
  /** Per input: address of the first row read, rows present from there, shape of a window. */
  x: { address: number; rows: number; shape: Shape }[];
  /** Address of the first output row. */
  y: number;
  out: Shape;
  /** Folds with partial results. */
  partial?: { address: number; slot: number; slots: number };
  /** Folds as accumulators of waiting windows. */
  fold?: FoldIo;
  /** The first layer as partial tap sums. */
  taps?: TapsIo;
  /**
   * Addresses of a recurrent operator's state, which goes on, and how many of its first rows lie before the
   * signal. Of a layer before one that has to tell such rows from others, their number and what they hold.
   */
  state?: { count: number; last: number; cell: number; before: number; skip: number; row: number };
  /** Of so many places the largest output is taken; y is the pool's. */
  pool?: { places: number };
}

export interface TapsIo {
  taps: Taps;
  stream: Stream;
  ahead: number;
  /** Addresses of row 0 of the input, of the right edge's first row and of row 0 of the left edge. */
  input: number;
  right: number;
  left: number;
  /** Rows of the left edge that somebody reads. */
  leftRows: number;
  accumulators: number;
  records: number;
  waiting: number;
  /** Rows that have no record, of windows that wait. */
  again: Queue;
}

export interface FoldIo {
  fold: FoldReuse;
  /**
   * Addresses of the first new row, of the first row that an opening accumulator takes, of the right edge,
   * and of row 0 of the left edge.
   */
  newAddress: number;
  openAddress: number;
  rightAddress: number;
  leftAddress: number;
  queue: number;
  totals: number;
}

export interface Call {
  fn: KernelName;
  /** Address of its parameter block. */
  block: number;
  /** Rows that it takes, where they are not the step's output rows. */
  span?: { first: number; rows: number };
  /** A plain copy, in place of the call. */
  copy?: { to: number; from: number | Queue; bytes: number };
}

/** A call of a kernel with a block that it takes. */
export const callOf = <K extends KernelName>(fn: K, block: At<BlockOf<K>>, span?: Call['span']): Call => ({
  fn,
  block,
  ...(span && { span }),
});

/** The same, of a name made of parts. @throws RangeError where there is none */
export function callNamed(name: string, block: number): Call {
  const fn = kernelNames.find((known) => known === name);
  if (!fn) throw new RangeError(`no kernel ${name}`);
  return { fn, block };
}

export interface EmitOp<K extends OpName> {
  name: K;
  /** Calls of the step; for a fold that accumulates, `rotate` opens the next slot. */
  emit(io: StepIo<K>, ctx: EmitContext): Call[];
  /**
   * Few networks have it, always or with some attributes. An interpreter with every kernel has its kernels
   * (the file of its name) and rare needs (emit/needs.ts) only for a network with such a node. `isWide`: it
   * reads or writes int16.
   */
  rare?: true | ((attrs: OpAttrs[K], isWide: boolean) => boolean);
  /** Other rare files of kernels. */
  files?: readonly string[];
  /** Fusion of a layer with the max pool that follows it (pools.ts): the layer takes the pool. */
  fusesPool?: 'takes' | 'taken';
  rotate?(io: StepIo<K>, ctx: EmitContext): Call[];
}
