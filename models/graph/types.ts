/**
 * Graph: a network in time-major normal form. Readers make it; planner, quantiser and executors use it.
 *
 * Every tensor is `[t][f][c]`: t time frames, f feature rows, c channels innermost (a 1-D CNN has f = 1). The
 * batch is 1 and is not stored. Readers resolve operators that only change the shape (reshape, squeeze,
 * transpose) into axis orders if possible; the others become regroup or permute. A graph is either float
 * (weights Float32Array, no `quant`) or int8 (weights Int8Array, every tensor has `quant`, some may be
 * int16).
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
 * How the sums of a layer are requantised. `per-channel`: s_in * s_w / s_out in doubles as a multiplier of 31
 * bits, two roundings. The three `dense` rules mark a FULLY_CONNECTED (models/graph/rounding.ts): `dense`
 * computes as `per-channel`; `dense-f32` first rounds s_in * s_w to float32 if the layer has one scale;
 * `dense-once` rounds the sum times s_in * s_w / s_out once, in doubles. `float`: as `per-channel`, with
 * s_in * s_w / s_out in float32. `gate`: as `per-channel`, from int8 to the int16 inputs of a recurrent
 * operator.
 */
export const scaleRules = ['per-channel', 'dense', 'dense-f32', 'dense-once', 'float', 'gate'] as const;
export type ScaleRule = (typeof scaleRules)[number];

/** Weights of a convolution or dense layer, in the order of the operator's attributes. */
export interface Weights {
  data: Float32Array | Int8Array;
  /** int8 only: one scale per output channel, or one for all; the zero point is 0. */
  scales?: Float64Array;
  /** Default `per-channel`. Float weights may have a rule too; quantisation keeps it. */
  scaleRule?: ScaleRule;
}

/**
 * Mean and deviation of each output channel before the clamp, from batch normalisation. Only in float graphs.
 */
export interface Moments {
  mean: Float64Array; // [c]
  deviation: Float64Array; // [c]
}

/** Geometry of a sliding kernel. */
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

/** Geometry of a sliding kernel with dilations. */
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

/** Geometry of a kernel of size 1. */
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
  /** True: padded places count in the divisor. Only for average pooling. */
  countIncludePad?: boolean;
  clamp: Clamp;
}

export interface GlobalPoolAttrs {
  /** True: reduces over the feature axis too. (Time is always reduced.) */
  overF: boolean;
  /** True: reduces over the channels too; with overF the result is one value for the whole window. */
  overC?: boolean;
  clamp: Clamp;
  /**
   * Integer rule of the average. `avgpool`: AVERAGE_POOL_2D (rounds half away from zero; input and output
   * share one scale). `mean`: MEAN (requantised). Float graphs have `mean`.
   */
  rule?: 'avgpool' | 'mean';
}

export interface GemAttrs {
  /** True: reduces over the feature axis too. (Time is always reduced.) */
  overF: boolean;
  /** The power p of each channel, or one for all. */
  powers: Float32Array;
  clamp: Clamp;
}

/** Constant values: float, or integers with their scale (int16 if the activation of the file is int16). */
export type Constant = { data: Float32Array; quant?: undefined } | { data: Ints; quant: QuantParams };

export interface BinaryAttrs {
  clamp: Clamp;
  /**
   * Second operand if it is constant: element i of a window pairs with data[i % data.length]. With 1, c or
   * f * c values it repeats for each frame (float graphs fold such constants into weights). With t * f * c
   * values it covers the window, as a positional encoding does.
   */
  constant?: Constant;
}

export interface AddAttrs extends BinaryAttrs {
  /** Index of the operand that is subtracted; a constant is operand 1. Default: both are added. */
  minus?: 0 | 1;
}

/**
 * Content of padding along time: zero, mirrored rows (without or with the outermost row), or the outermost
 * row.
 */
export const padRows = ['zero', 'reflect', 'symmetric', 'edge'] as const;
export type PadRows = (typeof padRows)[number];

export interface HistoryAttrs {
  /** Number of rows added before and after. A negative `after` removes rows; at least one row remains. */
  before: number;
  after: number;
  /** Padding inside each window. Absent: the added rows are earlier rows of the signal. */
  own?: PadRows;
}

export interface RegroupAttrs {
  /** Number of feature rows of the output; the number of channels follows from it. */
  f: number;
}

export interface PermuteAttrs {
  /** The three axes of the input in the order of the output's elements, outermost first. */
  order: readonly Axis[];
  /** Number of time and feature rows of the output; the number of channels follows from them. */
  t: number;
  f: number;
  /** Axes of the input that are read from their end. Default: none. */
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
  /** Factor along time and features: copies of each row (`repeat`), or distance of two rows (`zero`). */
  t: number;
  f: number;
  between: 'repeat' | 'zero';
}

export interface MatmulAttrs {
  /** Number of equal parts of a frame that are multiplied separately. */
  heads: number;
  /** Axis of the sum of products: the channels of a head, or the rows of the second input. */
  over: 'channels' | 'rows';
}

export interface HypotAttrs {
  clamp: Clamp;
}

export interface SoftmaxAttrs {
  /** Factor of the exponents. */
  beta: number;
}

export interface ArgmaxAttrs {
  /** True: of equal values the last one counts. False: the first one. */
  last: boolean;
}

export interface LayerNormAttrs {
  /** Axes of one mean and variance: the channels of each row, or rows and channels of a frame. */
  over: 'c' | 'fc';
  /** True: the mean is subtracted. False: RMSNorm, which divides by the root of the mean square. */
  centre: boolean;
  epsilon: number;
  /** [c], or [f][c] with over `fc`. */
  gamma: Float32Array;
  beta: Float32Array;
  clamp: Clamp;
}

/** Unbounded functions of recurrent cells: max(x, 0), and x. */
export type OpenFn = 'relu' | 'linear';

export interface RecurrentAttrs {
  units: number;
  /** Weights of the previous output, [gate * units + unit][units]. */
  recurrent: Weights;
  /**
   * Bias of these products, [gate * units + unit]; int32 with the output's scale times that of the weights.
   */
  recurrentBias: Float32Array | Int32Array | null;
  /** True: rows are processed from the last to the first. */
  reverse: boolean;
  /** True: the state carries over from row to row across windows. Default: it restarts at every window. */
  carry?: boolean;
  /** Slope of gates that are a line clamped to 0..1. Default: gates use the logistic function. */
  slope?: number;
  /** Function of the candidate state, and of the cell in the output of an lstm. Default: tanh. */
  fn?: OpenFn;
}

/** Gates: input, forget, cell, output. */
export interface LstmAttrs extends RecurrentAttrs {
  /** Limit of |cell|. Default: none. */
  clip?: number;
  /** Only in int8 graphs: the cell's scale is 2^cellPower. */
  cellPower?: number;
}

/** Gates: update, reset, candidate. h = z h + (1 - z) n. */
export interface GruAttrs extends RecurrentAttrs {
  /** True: n = fn(x + r (U h + b)). False: n = fn(x + U (r h) + b). */
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
  gem: GemAttrs;
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

/** Returns a requantisation: the same values in the scale of its output (QUANTIZE of TensorFlow Lite). */
export const requantisation = (from: number, to: number, name: string): NodeOf<'activation'> => {
  return { op: 'activation', name, inputs: [from], output: to, attrs: { fn: 'identity', clamp: noClamp } };
};

/** A graph input or output as the host sees it. */
export interface Port {
  tensor: number;
  name: string;
  /** Type in the model file. The host quantises float inputs and dequantises float outputs. */
  hostType: 'float32' | 'int8' | 'uint8' | 'int16';
  /** Shape in the model file, batch included. */
  fileShape: number[];
  /**
   * Axes of the normal form in the order of the file's row-major elements. Axes of length 1 may be missing.
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
   * True: the model has its own state. The window is one step, and padding before the first row of a streamed
   * tensor stands for rows of earlier steps, initially the zero point (models/graph/stateful.ts).
   */
  stateful?: boolean;
  /** Key-value metadata of the file (for example runlet.left_context). */
  metadata: Record<string, string>;
  /** Notes of the reader for `inspect`: the chosen time axis, folded operators. */
  notes: string[];
}

/** Number of elements of a tensor for one window. */
export const elementsOf = (shape: Shape): number => shape.t * shape.f * shape.c;
/** Number of elements of one frame. */
export const frameOf = (shape: Shape): number => shape.f * shape.c;
/** Whether all tensors have scales. Else the graph is float and must be quantised. */
export const isQuantised = (graph: Graph): boolean => graph.tensors.every((t) => t.quant !== undefined);
