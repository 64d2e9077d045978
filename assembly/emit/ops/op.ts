/**
 * How an operator becomes code: it packs its constants, and returns the kernel calls that run one step.
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
 * Where weights are: weights[at(o, tap)] multiplies tap `tap` for output o, and -1 stands for a weight of 0.
 * Outputs of different groups share no tile.
 */
export interface TileShape {
  groups: number;
  outputs: number;
  taps: number;
  at(o: number, tap: number): number;
}

/** The layout in which a target's kernels read weights. */
export interface TileLayout {
  /** Outputs per tile. */
  outputs: number;
  /** True if outputs that remain after full tiles may be stored without a tile. */
  leaves: boolean;
  /** Packs one tile, with taps padded to a multiple of 4. `weight`: of output o of the tile and tap i. */
  tile(weight: (o: number, i: number) => number, taps: number): Int8Array;
}

export type MacIo = StepIo<'conv'> | StepIo<'depthwise'> | StepIo<'dense'>;

/** Choices of a target for a module. */
export interface ModuleChoice {
  needs: Iterable<Need>;
  /**
   * simd. `alone`: true if layers with one output position per call get a separate kernel. `rowAlone`: the
   * same for depthwise layers with one row per call.
   */
  alone: boolean;
  rowAlone: boolean;
}

/** Differences between targets: one file of emit/targets each. Every target computes the same bytes. */
export interface TargetParts {
  name: Target;
  /** Suffixes of its kernel files, kernels/<op>-<suffix>.ts; other files are for all targets. */
  suffixes: readonly string[];
  /** True if it has SIMD128. */
  vectors: boolean;
  /** Bytes past a buffer that kernels read and write. */
  past: number;
  /** Layout of weights. */
  layout: TileLayout;
  /**
   * Returns the call of conv or dense; `shape` says where weights are. Undefined if the operator's plain
   * kernel has to run it.
   */
  mac(op: 'conv' | 'dense', io: MacIo, shape: TileShape, ctx: EmitContext): Call | undefined;
  depthwise(io: StepIo<'depthwise'>, ctx: EmitContext): Call | undefined;
  /** Checks whether the kernel of a convolution can take the largest of `places` successive positions. */
  pools(io: MacIo, places: number): boolean;
  /** Chooses for all layers with weights. `pooled`: true if a max pool is fused into the layer. */
  module(layers: { io: MacIo; pooled: boolean }[], steps: number): ModuleChoice;
  /** The last change to a compiled module. */
  finish?(wasm: Uint8Array): Uint8Array;
}

export interface EmitContext {
  target: TargetParts;
  home: Home;
  /** Home `tile`: bytes of workspace that a call may use without raising the module's peak. */
  room: number;
  module: Omit<ModuleChoice, 'needs'>;
  /** Requests a feature of kernels for a layer. */
  need(what: Need): void;
  /** Reserves workspace for a call; returns its address. One call runs at a time, so all calls share it. */
  work(bytes: number): number;
  /**
   * Packs weights; returns their address, or with home `tile` their offset among all weights. `fetchBytes`:
   * the largest number of bytes that one fetch copies; by default all.
   */
  weights(data: Int8Array, fetchBytes?: number): number;
  /** Packs a table; returns its address. Equal tables are stored once. */
  table(data: Ints | Int32Array | Float32Array): number;
  /** Packs a parameter block; returns its address. */
  block<T>(layout: Layout<T>, fields: NoInfer<T>): At<T>;
}

export interface StepIo<K extends OpName> {
  step: Step;
  node: NodeOf<K>;
  params: IntParams[K];
  /** Per input: address of the first row read, number of rows from there, shape of a window. */
  x: { address: number; rows: number; shape: Shape }[];
  /** Address of the first output row. */
  y: number;
  out: Shape;
  /** Fold that keeps partial results. */
  partial?: { address: number; slot: number; slots: number };
  /** Fold that keeps accumulators of waiting windows. */
  fold?: FoldIo;
  /** First layer that keeps partial tap sums. */
  taps?: TapsIo;
  /**
   * Addresses of the state that a recurrent operator carries, and how many of its first rows lie before the
   * signal. For a layer in front of such a state whose rows before the signal are padding: the number of
   * those rows, and their value.
   */
  state?: { count: number; last: number; cell: number; before: number; skip: number; row: number };
  /** A max pool is fused into this step: `y` receives the largest of every `places` outputs. */
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
  /** Rows of the left edge that another step reads. */
  leftRows: number;
  accumulators: number;
  records: number;
  waiting: number;
  /** Waiting left-edge rows without a record. */
  again: Queue;
}

export interface FoldIo {
  fold: FoldReuse;
  /**
   * Addresses of the first new row, of the first row that an opening accumulator takes, of the right edge,
   * and of row 0 of the left edge: of the window that opens, in a ring of the window that is due.
   */
  newAddress: number;
  openAddress: number;
  rightAddress: number;
  leftAddress: number;
  queue: number;
  totals: number;
  /** Method parts: addresses of the ring's rows, and of the position of each level. */
  ring?: { rows: number; positions: number };
}

export interface Call {
  fn: KernelName;
  /** Address of its parameter block. */
  block: number;
  /** Rows to compute, if they are not the output rows of the step. */
  span?: { first: number; rows: number };
  /** A plain copy instead of the call. */
  copy?: { to: number; from: number | Queue; bytes: number };
}

/** Returns a call of a kernel with a block of its type. */
export const callOf = <K extends KernelName>(fn: K, block: At<BlockOf<K>>, span?: Call['span']): Call => ({
  fn,
  block,
  ...(span && { span }),
});

/** Returns a call of a kernel whose name is made of parts. @throws RangeError if there is no such kernel */
export function callNamed(name: string, block: number): Call {
  const fn = kernelNames.find((known) => known === name);
  if (!fn) throw new RangeError(`no kernel ${name}`);
  return { fn, block };
}

export interface EmitOp<K extends OpName> {
  name: K;
  /** Returns the calls of a step. For a fold that accumulates, `rotate` opens the next slot. */
  emit(io: StepIo<K>, ctx: EmitContext): Call[];
  /**
   * Marks an operator that few networks have, always or with some attributes. An interpreter with every
   * kernel has its kernels (the file of its name) and rare needs (emit/needs.ts) only for a network with such
   * a node. `isWide`: true if the node reads or writes int16.
   */
  rare?: true | ((attrs: OpAttrs[K], isWide: boolean) => boolean);
  /** Further files of rare kernels. */
  files?: readonly string[];
  /** Fusion of a layer with the max pool that follows it (pools.ts): the layer takes the pool. */
  fusesPool?: 'takes' | 'taken';
  rotate?(io: StepIo<K>, ctx: EmitContext): Call[];
}
