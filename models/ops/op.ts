/**
 * OpDef: the definition of an operator: shape rule, float computation, streaming rule, cost.
 *
 * Each operator has one file in this folder with one OpDef; models/ops/index.ts is generated from the folder.
 * The streaming rule is data (StreamiNNC sections 1.3 and 1.6). The planner reads it and never switches on
 * operator names.
 */
import { RunletError } from '../error.ts';
import type { Clamp, OpAttrs, OpName, QuantParams, Shape } from '../graph/types.ts';

export interface FloatTensor {
  data: Float32Array; // [t][f][c]
  shape: Shape;
}

/** Which input frames an operator reads along the streamed axis. */
export type StreamRule =
  /**
   * Output frame i reads input frames i * stride - pad[0] + j * dilation, j < kernel. Point-wise operators
   * have kernel 1 and stride 1.
   */
  | {
      kind: 'window';
      kernel: number;
      stride: number;
      dilation: number;
      pad: readonly [number, number];
      /** Value of padding: the zero point, the type's minimum, or none (excluded from the divisor). */
      padWith: 'zero' | 'minimum' | 'exclude';
      /**
       * Set if an output row combines its input rows element by element, without padding, so that partial
       * results of its rows can be kept: an average from their sums, or their maximum.
       */
      reduces?: 'sum' | 'max';
    }
  /**
   * A reduction over all frames of the window that can be kept as partial results. A sum has `bytes` per
   * element; a maximum has the tensor's type.
   */
  | { kind: 'fold'; fold: 'sum'; bytes: 4 | 8 }
  | { kind: 'fold'; fold: 'max' }
  /** Reads the whole window at once, at every hop, from a ring buffer of its input's frames. */
  | {
      kind: 'whole';
      /**
       * True if the result is a sum of terms that each read one row, so that accumulators can hold it
       * (dense).
       */
      linear?: boolean;
    };

export interface WeightChannels {
  outputs: number;
  /** Number of weights of one output. */
  inputs: number;
  /** Number of sets of outputs that read the same channels. */
  sets: number;
  /** Input channel of weight i. */
  input(i: number): number;
  /** Output channel of weight i. */
  output(i: number): number;
}

/** An operator with its attributes. */
export type Slid = { [K in OpName]: { op: K; attrs: OpAttrs[K] } }[OpName];

/** Largest magnitudes inside a recurrent cell, which are in no tensor. */
export interface Hidden {
  /** Largest |cell| of an lstm; 0 for other operators. */
  cell: number;
  /** Largest |input| of the state's function. */
  sum: number;
}

export interface OpDef<K extends OpName> {
  name: K;
  /** Returns the output shape for a window. @throws RN301 with the node's name if the inputs do not fit */
  shape(inputs: Shape[], attrs: OpAttrs[K], name: string): Shape;
  /** Computes the operator in real numbers: accumulates in double, returns float32 [t][f][c]. */
  float(xs: FloatTensor[], attrs: OpAttrs[K], out: Shape): Float32Array;
  /** Streaming rule. Default: point-wise. */
  stream?(attrs: OpAttrs[K], inputs: Shape[]): StreamRule;
  /** Number of multiply-accumulates of one output frame, padded taps included. Default: 0. */
  macsPerFrame?(attrs: OpAttrs[K], inputs: Shape[], out: Shape): number;
  /** Bytes of state that an int8 module keeps for the operator from row to row. Default: 0. */
  stateBytes?(attrs: OpAttrs[K]): number;
  /** Channels of the weights of a layer y = clamp(W x + b). @param channels number of input channels */
  weightChannels?(attrs: OpAttrs[K], channels: number): WeightChannels;
  /**
   * Whether a scale per channel of all inputs passes to the output: f(s x) = s f(x) for s > 0. For layers
   * with weights, the weights absorb the scale. @param inputs number of inputs. Default: false
   */
  passesScale?(attrs: OpAttrs[K], inputs: number): boolean;
  /** Returns the mean of each output channel from those of all inputs, [c]; undefined (default): unknown. */
  means?(attrs: OpAttrs[K], xs: Float64Array[]): Float64Array | undefined;
  /**
   * Maps values per output channel, `y` [c], to the channels of input number `which`. Default: the same
   * channels. @param channels number of channels of each input
   */
  inputChannels?(attrs: OpAttrs[K], y: Float64Array, which: number, channels: readonly number[]): Float64Array;
  /**
   * Returns an operator that slides over a longer signal and gives the result of this one for every window;
   * undefined (default): there is none.
   */
  slid?(attrs: OpAttrs[K], input: Shape, quantised: boolean): Slid | undefined;
  /** How often each row of time appears in the output. Default: 1. */
  repeats?(attrs: OpAttrs[K]): number;
  /** True if the outputs are class scores. */
  scores?: true;
  /** Number of classes, if the output is the index of a class. */
  classes?(inputs: Shape[]): number;
  /** Returns the int8 parameters of the output if the 8-bit specification fixes them. */
  fixed?(attrs: OpAttrs[K]): QuantParams | undefined;
  /** Returns the parameters of the operator's input in int8 graphs, if the operator determines them. */
  inputParams?(attrs: OpAttrs[K], range: readonly [low: number, high: number], hidden: Hidden | undefined): QuantParams;
  hidden?(xs: FloatTensor[], attrs: OpAttrs[K], out: Shape): Hidden;
  /**
   * Whether the function is so steep near 0 that one int8 step of its input is too coarse. Default: false.
   */
  steep?(attrs: OpAttrs[K]): boolean;
  /** True if the operator adds a constant, which may be the mask of a softmax. */
  sums?: true;
  /** Inputs with a finite result, as a formula in x; undefined: all inputs. */
  domain?(attrs: OpAttrs[K]): string | undefined;
}

export const pointwise: StreamRule = { kind: 'window', kernel: 1, stride: 1, dilation: 1, pad: [0, 0], padWith: 'zero' };

/** Returns the streaming rule of an operator. */
export const streamOf = <K extends OpName>(op: OpDef<K>, attrs: OpAttrs[K], inputs: Shape[]): StreamRule =>
  op.stream?.(attrs, inputs) ?? pointwise;

/** RN301: the inputs of a node do not fit its operator. */
export const misfit = (where: string, what: string, why?: string, tryThis?: string): RunletError =>
  new RunletError('RN301', { what, where, ...(why && { why }), ...(tryThis && { tryThis }) });

/** Whether a clamp has only bounds of 0 and infinity, which pass a scale on. */
export const isHomogeneous = ([low, high]: Clamp): boolean =>
  (low === 0 || low === Number.NEGATIVE_INFINITY) && (high === 0 || high === Number.POSITIVE_INFINITY);

export const clampTo = (value: number, clamp: Clamp): number => Math.min(clamp[1], Math.max(clamp[0], value));

/** Number of output frames of a sliding kernel: floor((in + padding - extent) / stride) + 1, at least 0. */
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
