/**
 * What an operator tells about itself: shape rule, float meaning, streaming rule, cost.
 *
 * One file per operator in this folder holds one OpDef; models/ops/index.ts is generated from the folder. The
 * streaming rule is data (StreamiNNC sections 1.3 and 1.6): the planner reads it and never switches on
 * operator names.
 */
import { RunletError } from '../error.ts';
import type { Clamp, OpAttrs, OpName, QuantParams, Shape } from '../graph/types.ts';

export interface FloatTensor {
  data: Float32Array; // [t][f][c]
  shape: Shape;
}

/** How an operator moves along the streamed axis. */
export type StreamRule =
  /**
   * Output frame i reads input frames i * stride - pad[0] + j * dilation, j < kernel. Point-wise is kernel 1,
   * stride 1.
   */
  | {
      kind: 'window';
      kernel: number;
      stride: number;
      dilation: number;
      pad: readonly [number, number];
      /**
       * What stands in padded places: the zero point, the type's minimum, or nothing (left out of the
       * divisor).
       */
      padWith: 'zero' | 'minimum' | 'exclude';
    }
  /** A reduction over all frames of the window that can be kept as partial results. */
  | { kind: 'fold'; fold: 'sum' | 'max' }
  /** Reads the whole window at once; recomputed per hop over the ring of its input's frames. */
  | {
      kind: 'whole';
      /** A sum of terms of one row each, so that it may be kept as an accumulator (dense). */
      linear?: boolean;
    };

export interface WeightChannels {
  outputs: number;
  /** Weights of one output. */
  inputs: number;
  /** Sets of outputs that read the same channels. */
  sets: number;
  /** Input channel of weight i. */
  input(i: number): number;
  /** Output channel of weight i. */
  output(i: number): number;
}

/** An operator with its attributes. */
export type Slid = { [K in OpName]: { op: K; attrs: OpAttrs[K] } }[OpName];

/** The largest |values| of a recurrent cell that no tensor shows. */
export interface Hidden {
  /** What goes on beside the output; 0 where there is nothing. */
  cell: number;
  /** What goes into a state's function. */
  sum: number;
}

export interface OpDef<K extends OpName> {
  name: K;
  /** Output shape for a window; throws RN301 with the node's name where the inputs do not fit. */
  shape(inputs: Shape[], attrs: OpAttrs[K], name: string): Shape;
  /** The real-valued meaning; accumulates in double, returns float32 [t][f][c]. */
  float(xs: FloatTensor[], attrs: OpAttrs[K], out: Shape): Float32Array;
  /** Left out: point-wise. */
  stream?(attrs: OpAttrs[K], inputs: Shape[]): StreamRule;
  /** Multiply-accumulates of one output frame (padded taps counted); left out: none. */
  macsPerFrame?(attrs: OpAttrs[K], inputs: Shape[], out: Shape): number;
  /** Bytes that an int8 graph's module keeps of it from row to row; left out: none. */
  stateBytes?(attrs: OpAttrs[K]): number;
  /** Where the weights of a layer y = clamp(W x + b) stand. @param channels of its input */
  weightChannels?(attrs: OpAttrs[K], channels: number): WeightChannels;
  /**
   * Whether it passes a scale of each channel on from every input, which `inputs` has: f(s x) = s f(x) for s
   * > 0. With weights they take the scale.
   */
  passesScale?(attrs: OpAttrs[K], inputs: number): boolean;
  /** Mean of each output channel from those of all inputs [c]; left out, or undefined: not known. */
  means?(attrs: OpAttrs[K], xs: Float64Array[]): Float64Array | undefined;
  /**
   * Of values [c] of the output's channels those of input `which`, whose inputs have `channels` each; left
   * out: channel c of the output.
   */
  inputChannels?(attrs: OpAttrs[K], y: Float64Array, which: number, channels: readonly number[]): Float64Array;
  /**
   * What gives for every window along a longer signal what it gives for one, where that is another operator;
   * left out, or undefined: there is none.
   */
  slid?(attrs: OpAttrs[K], input: Shape, quantised: boolean): Slid | undefined;
  /** How often it shows each row of time; left out: it shows each once. */
  repeats?(attrs: OpAttrs[K]): number;
  /** Its outputs are scores of classes. */
  scores?: true;
  /** Its output is the index of a class. Returns the number of classes. */
  classes?(inputs: Shape[]): number;
  /** The output's int8 parameters that the 8-bit specification fixes. */
  fixed?(attrs: OpAttrs[K]): QuantParams | undefined;
  /** The parameters in which int8 graphs have its input of this range, where the operator fixes them. */
  inputParams?(attrs: OpAttrs[K], range: readonly [low: number, high: number], hidden: Hidden | undefined): QuantParams;
  hidden?(xs: FloatTensor[], attrs: OpAttrs[K], out: Shape): Hidden;
  /** Near 0 it tells apart what int8 has as one: left out, it does not. */
  steep?(attrs: OpAttrs[K]): boolean;
  /** It adds its constant, which may be the mask of a softmax. */
  sums?: true;
  /** Inputs that have a finite value, where not all have: a formula in x. */
  domain?(attrs: OpAttrs[K]): string | undefined;
}

export const pointwise: StreamRule = { kind: 'window', kernel: 1, stride: 1, dilation: 1, pad: [0, 0], padWith: 'zero' };

/** The streaming rule of an operator. */
export const streamOf = <K extends OpName>(op: OpDef<K>, attrs: OpAttrs[K], inputs: Shape[]): StreamRule =>
  op.stream?.(attrs, inputs) ?? pointwise;

/** RN301: the inputs of a node do not fit its operator. */
export const misfit = (where: string, what: string, why?: string, tryThis?: string): RunletError =>
  new RunletError('RN301', { what, where, ...(why && { why }), ...(tryThis && { tryThis }) });

/** Clamps at 0 and infinities alone, which pass a scale on. */
export const isHomogeneous = ([low, high]: Clamp): boolean =>
  (low === 0 || low === Number.NEGATIVE_INFINITY) && (high === 0 || high === Number.POSITIVE_INFINITY);

export const clampTo = (value: number, clamp: Clamp): number => Math.min(clamp[1], Math.max(clamp[0], value));

/** Frames that a sliding kernel gives: floor((in + padding - extent) / stride) + 1, never below 0. */
export function slidingLength(
  input: number,
  kernel: number,
  stride: number,
  dilation: number,
  pad: readonly [number, number],
): number {
  const room = input + pad[0] + pad[1] - ((kernel - 1) * dilation + 1);
  return room < 0 ? 0 : Math.floor(room / stride) + 1;
}
