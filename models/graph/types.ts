/**
 * Graph: a network in time-major normal form.
 *
 * In: what a reader found in a model file.  Out: the value that the planner, the quantiser and the executors
 * share. Every tensor is `[t][f][c]` (t time frames, f feature rows, c channels innermost; a 1-D CNN has f =
 * 1); batch is 1 and is not kept. Shape-only operators (reshape, squeeze, transpose) do not exist here:
 * readers resolve them into axis orders. A graph is either float (weights Float32Array, no `quant`) or int8
 * (weights Int8Array, every tensor has `quant`; activations may be int16).
 */
import type { ActivationAttrs } from '../ops/unary.ts';
import { type Clamp, type Ints, noClamp, type QuantParams } from './stored.ts';

export type { ActivationAttrs } from '../ops/unary.ts';
export * from './stored.ts';

export type Axis = 't' | 'f' | 'c';

export interface Shape {
  /** Time frames. */
  t: number;
  /** Feature rows of a frame (1 for a 1-D CNN). */
  f: number;
  /** Channels, innermost. */
  c: number;
}

export interface Tensor {
  /** Index into Graph.tensors. */
  id: number;
  /** The name in the model file, for errors and reports. */
  name: string;
  /** Shape for one whole window. */
  shape: Shape;
  /** Present in int8 graphs, of which some tensors may be int16. */
  quant?: QuantParams;
}

/**
 * How the sums of a layer come to its output's scale. `per-channel`: s_in * s_w / s_out in doubles as a
 * multiplier of 31 bits, two roundings. The others say that the layer is a FULLY_CONNECTED: `dense` computes
 * as `per-channel`, `dense-f32` with s_in * s_w rounded to float32 first where there is one scale, and
 * `dense-once` rounds the sum times s_in * s_w / s_out once, in doubles (models/graph/rounding.ts says which
 * is whose). `float`: as `per-channel`, with s_in * s_w / s_out in float32. `gate`: from int8 to the int16
 * that a recurrent operator reads, as `per-channel`.
 */
export const scaleRules = ['per-channel', 'dense', 'dense-f32', 'dense-once', 'float', 'gate'] as const;
export type ScaleRule = (typeof scaleRules)[number];

/** Weights of a convolution or dense layer, in the order that the operator's file states. */
export interface Weights {
  data: Float32Array | Int8Array;
  /** int8 only: one scale per output channel, or one for all; the zero point is 0. */
  scales?: Float64Array;
  /**
   * `per-channel` where it is left out. Float weights may have one, which they keep when they are quantised.
   */
  scaleRule?: ScaleRule;
}

/**
 * What batch normalisation learnt of each output channel before the clamp: float graphs alone, where the file
 * still had it.
 */
export interface Moments {
  mean: Float64Array; // [c]
  deviation: Float64Array; // [c]
}

/** Where a kernel slides. */
export interface SlidingAttrs {
  /** Kernel and stride along t and f. */
  kernelT: number;
  kernelF: number;
  strideT: number;
  strideF: number;
  /** Zero padding [before, after], explicit for this window length (never 'same'). */
  padT: readonly [number, number];
  padF: readonly [number, number];
}

/** The same with dilations. */
export interface DilatedAttrs extends SlidingAttrs {
  dilationT: number;
  dilationF: number;
}

export interface ConvAttrs extends DilatedAttrs {
  groups: number;
  outChannels: number;
  /** [outChannels][kernelT][kernelF][inChannels / groups] */
  weights: Weights;
  /** [outChannels]; Int32Array in int8 graphs. */
  bias: Float32Array | Int32Array | null;
  clamp: Clamp;
  moments?: Moments;
}

/** A kernel of one place: every position by itself. */
export const kernelOfOne = {
  kernelT: 1,
  kernelF: 1,
  strideT: 1,
  strideF: 1,
  dilationT: 1,
  dilationF: 1,
  padT: [0, 0],
  padF: [0, 0],
} as const satisfies DilatedAttrs;

/** Output channel o reads input channel floor(o / multiplier). */
export interface DepthwiseAttrs extends Omit<ConvAttrs, 'groups' | 'outChannels'> {
  multiplier: number;
  // weights: [kernelT][kernelF][inChannels * multiplier]
}

export interface DenseAttrs {
  units: number;
  /** [units][t][f][c] of the input tensor's window. */
  weights: Weights;
  bias: Float32Array | Int32Array | null;
  clamp: Clamp;
  moments?: Moments;
}

export interface PoolAttrs extends SlidingAttrs {
  /** Average pooling only: padded places count in the divisor. */
  countIncludePad?: boolean;
  clamp: Clamp;
}

export interface GlobalPoolAttrs {
  /** Also reduce over the feature axis (time is always reduced). */
  overF: boolean;
  /** With overF: one value of the whole window, over the channels too. */
  overC?: boolean;
  clamp: Clamp;
  /**
   * Which integer rule averages: `avgpool` = AVERAGE_POOL_2D (round half away from zero, input and output
   * share one scale), `mean` = MEAN (requantised). Float graphs: `mean`.
   */
  rule?: 'avgpool' | 'mean';
}

/**
 * Constant values of a float graph, or of an int8 graph with their scale: int16 beside int16 activations of
 * a file.
 */
export type Constant = { data: Float32Array; quant?: undefined } | { data: Ints; quant: QuantParams };

export interface BinaryAttrs {
  clamp: Clamp;
  /**
   * The second operand where it is constant: element i of a window meets data[i % data.length]. 1, c or f * c
   * values of each frame; float graphs fold those into weights. t * f * c of the window: a positional
   * encoding.
   */
  constant?: Constant;
}

export interface AddAttrs extends BinaryAttrs {
  /** Index of the operand that is subtracted; a constant is operand 1. Left out: both are added. */
  minus?: 0 | 1;
}

/**
 * What padding along time may hold: zero, the rows mirrored (without or with the outermost one), or the
 * outermost row.
 */
export const padRows = ['zero', 'reflect', 'symmetric', 'edge'] as const;
export type PadRows = (typeof padRows)[number];

export interface HistoryAttrs {
  /**
   * Rows added before the first and after the last; `after` may be negative (rows left out), at least one row
   * is left.
   */
  before: number;
  after: number;
  /** The added rows are padding of each window by itself; left out: those before are the signal's past. */
  own?: PadRows;
}

export interface RegroupAttrs {
  /** Feature rows of the output; its channels follow from them. */
  f: number;
}

export interface PermuteAttrs {
  /** The three axes of the input in the order of the output's elements, the outermost first. */
  order: readonly Axis[];
  /** Rows and feature rows of the output; its channels follow from them. */
  t: number;
  f: number;
  /** Axes of the input that are read from their end. */
  back?: readonly Axis[];
}

export interface SliceAttrs {
  axis: 'c' | 'f';
  /** Elements [from, to) of the axis. */
  from: number;
  to: number;
}

export interface ConcatAttrs {
  axis: 'c' | 'f';
}

export interface UpsampleAttrs {
  /** How often each row of time and of features stands there, or the step between two of them. */
  t: number;
  f: number;
  between: 'repeat' | 'zero';
}

export interface MatmulAttrs {
  /** Parts of a frame, each multiplied by itself. */
  heads: number;
  /** What the sum of products runs over: the channels of a head, or the rows of the second input. */
  over: 'channels' | 'rows';
}

export interface HypotAttrs {
  clamp: Clamp;
}

export interface SoftmaxAttrs {
  /** Over the channels of each frame row. */
  beta: number;
}

export interface ArgmaxAttrs {
  /** True: of equal values the last one counts. False: the first one. */
  last: boolean;
}

export interface LayerNormAttrs {
  /** What one mean and variance are of: the channels of each row, or rows and channels of a frame. */
  over: 'c' | 'fc';
  /** False: RMSNorm, divided by the root of the mean square. */
  centre: boolean;
  epsilon: number;
  /** [c], or [f][c] with over `fc`. */
  gamma: Float32Array;
  beta: Float32Array;
  clamp: Clamp;
}

/** Functions of recurrent cells without an end: max(x, 0), and x. */
export type OpenFn = 'relu' | 'linear';

export interface RecurrentAttrs {
  units: number;
  /** [gate * units + unit][units]: what the output before is multiplied with. */
  recurrent: Weights;
  /**
   * [gate * units + unit], added to those products; int32 at the scale of the output times that of the
   * weights.
   */
  recurrentBias: Float32Array | Int32Array | null;
  /** From the window's last row to its first. */
  reverse: boolean;
  /** The state goes on from row to row, over all windows; left out: it begins anew at every window. */
  carry?: boolean;
  /** Gates are a straight line of this slope, cut off at 0 and 1; left out: the logistic function. */
  slope?: number;
  /** The function of what goes into the state, and of what an lstm shows of its cell; left out: tanh. */
  fn?: OpenFn;
}

/** Gates: input, forget, cell, output. */
export interface LstmAttrs extends RecurrentAttrs {
  /** The cell is kept between -clip and clip; left out: it is not. */
  clip?: number;
  /** int8 graphs only: the cell's scale is 2^cellPower. */
  cellPower?: number;
}

/** Gates: update, reset, candidate. h = z h + (1 - z) n. */
export interface GruAttrs extends RecurrentAttrs {
  /** n = tanh(x + r (U h + b)); else tanh(x + U (r h) + b). */
  resetAfter: boolean;
}

export type RnnAttrs = RecurrentAttrs;

/** Operator names, the same in models/ops, quant/ops, assembly/kernels, assembly/emit/ops and test/ops. */
export interface OpAttrs {
  conv: ConvAttrs;
  depthwise: DepthwiseAttrs;
  dense: DenseAttrs;
  maxpool: PoolAttrs;
  avgpool: PoolAttrs;
  globalmax: GlobalPoolAttrs;
  globalavg: GlobalPoolAttrs;
  add: AddAttrs;
  mul: BinaryAttrs;
  concat: ConcatAttrs;
  history: HistoryAttrs;
  hypot: HypotAttrs;
  matmul: MatmulAttrs;
  upsample: UpsampleAttrs;
  regroup: RegroupAttrs;
  permute: PermuteAttrs;
  slice: SliceAttrs;
  activation: ActivationAttrs;
  softmax: SoftmaxAttrs;
  argmax: ArgmaxAttrs;
  lstm: LstmAttrs;
  gru: GruAttrs;
  rnn: RnnAttrs;
  layernorm: LayerNormAttrs;
}
export type OpName = keyof OpAttrs;

export interface NodeOf<K extends OpName> {
  op: K;
  /** Name in the model file (or made from the operator and its index), for errors and reports. */
  name: string;
  /** Tensor ids. */
  inputs: number[];
  output: number;
  attrs: OpAttrs[K];
}
export type Node = { [K in OpName]: NodeOf<K> }[OpName];

/** A requantisation: the same values in the scale of its output (QUANTIZE of TensorFlow Lite). */
export const requantisation = (from: number, to: number, name: string): NodeOf<'activation'> => {
  return { op: 'activation', name, inputs: [from], output: to, attrs: { fn: 'identity', clamp: noClamp } };
};

/** A graph input or output as the host sees it. */
export interface Port {
  tensor: number;
  name: string;
  /** What the model file's border holds; float borders are quantised and dequantised by the host. */
  hostType: 'float32' | 'int8' | 'uint8' | 'int16';
  /** Shape in the model file, batch included. */
  fileShape: number[];
  /**
   * Order in which the file's row-major elements run over the normal form's axes (unit axes may be left out).
   */
  order: Axis[];
}

export interface Graph {
  name: string;
  format: 'tflite' | 'onnx' | 'tfjs' | 'keras' | 'builder';
  /** SHA-256 of the model file, hex; empty for built graphs. */
  sourceDigest: string;
  tensors: Tensor[];
  /** In topological order. */
  nodes: Node[];
  inputs: Port[];
  outputs: Port[];
  /**
   * The model carries its own state: the window is one step, and what stands as padding before the first row
   * of a streamed tensor is history from earlier steps, which starts at the zero point
   * (models/graph/stateful.ts).
   */
  stateful?: boolean;
  /** Key-value metadata of the file (for example runlet.left_context). */
  metadata: Record<string, string>;
  /** What the reader decided or noticed, for `inspect`: the time axis chosen, operators folded. */
  notes: string[];
}

/** Elements of a tensor for one window. */
export const elementsOf = (shape: Shape): number => shape.t * shape.f * shape.c;
/** Elements of one frame. */
export const frameOf = (shape: Shape): number => shape.f * shape.c;
/** An int8 graph keeps the file's scales; a float graph has to be quantised. */
export const isQuantised = (graph: Graph): boolean => graph.tensors.every((t) => t.quant !== undefined);
