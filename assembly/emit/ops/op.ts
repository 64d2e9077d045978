/**
 * What an operator needs to become code: its constants packed, and the kernel calls that run one step.
 *
 * In: a plan step with integer parameters and addresses.  Out: calls, each a kernel's name and the address of its parameter block.
 */
import type { NodeOf, OpName, Shape } from '../../../models/graph/types.ts';
import type { FoldReuse, Interior, Taps } from '../../../models/stream/layout.ts';
import type { Step } from '../../../models/stream/types.ts';
import type { IntParams } from '../../../quant/ops/op.ts';
import type { At, Layout } from '../block.ts';
import type { Home } from '../home.ts';
import { type BlockOf, type KernelName, kernelNames } from '../kernels.ts';
import type { Need } from '../needs.ts';
import type { Target } from '../target.ts';

export interface EmitContext {
  target: Target;
  home: Home;
  /** Home `tile`: what a call may have to itself without that there is more memory for it. */
  room: number;
  /** simd: layers of one place a call have a kernel of their own. */
  alone: boolean;
  /** simd: the same for depthwise layers of one row a call. */
  rowAlone: boolean;
  /** Says that a layer needs this of its kernel. */
  need(what: Need): void;
  /** Bytes that one call has to itself while it runs, and shares with all others; returns their address. */
  work(bytes: number): number;
  /** Packs weights; returns their address, for home `tile` where they stand among all weights. `most`: of them are fetched at once. */
  weights(data: Int8Array, most?: number): number;
  /** Packs a table (equal tables are shared); returns its address. */
  table(data: Int8Array | Int32Array | Float32Array): number;
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
  /** Of so many places the largest output is taken; y is the pool's. */
  pool?: { places: number };
}

export interface TapsIo {
  taps: Taps;
  interior: Interior;
  ahead: number;
  /** Addresses of row 0 of the input, of the right edge's first row and of row 0 of the left edge. */
  input: number;
  right: number;
  left: number;
  leftRows: number;
  accumulators: number;
  records: number;
  waiting: number;
}

export interface FoldIo {
  fold: FoldReuse;
  /** Addresses of the first new row, of the first row that an opening accumulator takes, of the right edge, and of row 0 of the left edge. */
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
  copy?: { to: number; from: number; bytes: number };
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
  rotate?(io: StepIo<K>, ctx: EmitContext): Call[];
}
