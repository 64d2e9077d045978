/**
 * Quantises float weights to int8: symmetric, one scale per output channel or per layer, bias in int32.
 *
 * In: a node with float weights, its input tensor with a scale, calibration statistics of the input.  Out:
 * the int8 node.
 * Source: TensorFlow Lite 8-bit quantisation specification (weights in [-127, 127], bias scale s_x * s_w,
 * zero point 0).
 */
import { type MacNode, type WeightChannels, weightChannels, withWeights } from '../models/graph/channels.ts';
import { isRecurrent } from '../models/graph/recurrent.ts';
import type { Node, QuantParams, Tensor, Weights } from '../models/graph/types.ts';
import { maxOf, minOf } from '../models/lists.ts';
import type { Hidden } from '../models/ops/op.ts';
import { realOf } from '../models/ops/sliding.ts';
import { clampInt, maxBias, roundHalfAway } from './fixed-point.ts';
import { biasShift } from './methods/correct-bias.ts';
import type { Gram } from './methods/gram.ts';
import { roundTogether } from './methods/round-weights.ts';
import { cellPowerOf } from './ops/gates.ts';
import type { Methods } from './presets.ts';
import { quantiseSignal } from './report.ts';
import { asymmetric } from './scales.ts';

/** Calibration statistics of a node's input. */
export interface InputSeen {
  /** Mean of each channel. */
  mean?: ((channel: number) => number) | undefined;
  /** One Gram for each set of outputs (quant/methods/gram.ts). */
  grams?: readonly Gram[] | undefined;
}

/** The number of outputs, and the output that weight i belongs to. */
type Outputs = Pick<WeightChannels, 'outputs' | 'output'>;

/** Tolerance of a multiple, in steps. A choice: the errors of float32 products are far smaller. */
const onGrid = 1e-3;

/**
 * Returns the step of which all weights are integer multiples, at most 127 of them, or undefined if there is
 * none. Weights that a file stored in 8 or fewer bits then lose nothing.
 */
function stepOf(weights: readonly number[], largest: number): number | undefined {
  for (let levels = 127; levels > 0; levels--) {
    const step = largest / levels;
    if (weights.every((w) => Math.abs(w / step - Math.round(w / step)) < onGrid)) return step;
  }
  return undefined;
}

/**
 * Returns the scales of weights, [o]. They are large enough for the bias to fit int32 with room for the
 * products. A channel whose weights are all 0 gets a scale that fits its bias.
 */
function scalesOf(
  data: Weights['data'],
  bias: ArrayLike<number> | null,
  channels: Outputs,
  x: QuantParams,
  rule: Methods['weightScales'],
): Float64Array {
  const perOutput: number[][] = Array.from({ length: channels.outputs }, () => []);
  for (const [i, w] of data.entries()) perOutput[channels.output(i)]?.push(w);
  const steps = (rule === 'per-tensor' ? [[...data]] : perOutput).map((weights) => {
    const largest = maxOf(weights.map(Math.abs));
    return stepOf(weights, largest) ?? largest / 127;
  });
  return Float64Array.from(perOutput, (_, o) => {
    const step = steps[steps.length === 1 ? 0 : o] as number;
    const b = Math.abs(bias?.[o] ?? 0);
    const forBias = b / (x.scale * 2 ** 30);
    return Math.fround(Math.max(step, forBias, step > 0 ? 0 : b / (x.scale * 2 ** 20))) || 2 ** -20;
  });
}

function nearest(data: ArrayLike<number>, channels: Outputs, scales: Float64Array): Int8Array {
  return Int8Array.from(data, (w, i) => clampInt(roundHalfAway(w / (scales[channels.output(i)] as number)), -127, 127));
}

/** Returns real biases in int32, with the product of the scales of input and weights. */
const integerBias = (real: (o: number) => number, scales: Float64Array, x: QuantParams): Int32Array =>
  Int32Array.from(scales, (scale, o) => clampInt(roundHalfAway(real(o) / (x.scale * scale)), -maxBias, maxBias));

/**
 * Rounds the weights of each output together (round-weights.ts). `places[o]` are the indexes of the weights
 * of output o in `data`, in the order of the Gram's inputs.
 */
function together(
  node: MacNode,
  channels: WeightChannels,
  scales: Float64Array,
  grams: readonly Gram[],
  meansInBias: boolean,
): Int8Array {
  const { data } = node.attrs.weights;
  const places: number[][] = Array.from({ length: channels.outputs }, () => []);
  for (let i = 0; i < data.length; i++) places[channels.output(i)]?.push(i);
  const perSet = channels.outputs / grams.length;
  const q = new Int8Array(data.length);
  for (const [set, gram] of grams.entries()) {
    const covariance = gram.covariance(meansInBias);
    for (let o = set * perSet; o < (set + 1) * perSet; o++) {
      const at = places[o] as number[];
      const w = Float64Array.from(at, (i) => data[i] as number);
      for (const [k, v] of roundTogether(w, covariance, scales[o] as number).entries()) q[at[k] as number] = v;
    }
  }
  return q;
}

export function int8Node(node: MacNode, x: Tensor, seen: InputSeen, methods: Methods): MacNode {
  const channels = weightChannels(node, x.shape.c);
  const quant = x.quant as QuantParams;
  const scales = scalesOf(node.attrs.weights.data, node.attrs.bias, channels, quant, methods.weightScales);
  const { weights, bias } = node.attrs;
  const rounded = methods.rounding === 'together' && seen.grams?.every((g) => g.positions > g.inputs / 4);
  const data = rounded
    ? together(node, channels, scales, seen.grams as readonly Gram[], methods.biasCorrection !== false)
    : nearest(weights.data, channels, scales);
  const int8: Weights = { data, scales, scaleRule: weights.scaleRule ?? 'per-channel' };
  const shift = methods.biasCorrection && seen.mean ? biasShift(weights, int8, channels, seen.mean) : undefined;
  const integers = integerBias((o) => (bias?.[o] ?? 0) + (shift?.[o] ?? 0), scales, quant);
  const { moments: _, ...attrs } = { moments: undefined, ...node.attrs };
  return withWeights({ ...node, attrs } as MacNode, int8, integers);
}

/**
 * Quantises the float constant operand of a node, over the range of its values. Returns other nodes as is.
 */
export function int8Operand(node: Node): Node {
  if (!('constant' in node.attrs) || !node.attrs.constant) return node;
  const real = realOf(node.attrs.constant);
  const quant = asymmetric(minOf(real), maxOf(real));
  return { ...node, attrs: { ...node.attrs, constant: { data: quantiseSignal(real, quant), quant } } } as Node;
}

/**
 * Quantises the recurrent weights of a float cell. Returns other nodes as is.
 * @param h quantisation of the cell's output, which these weights multiply
 * @param hidden largest values inside the cell, from calibration
 */
export function int8Recurrent(node: Node, h: QuantParams, hidden: Hidden | undefined): Node {
  if (!isRecurrent(node)) return node;
  const { recurrent, recurrentBias: bias, units } = node.attrs;
  const { data } = recurrent;
  const sums: Outputs = { outputs: data.length / units, output: (i) => Math.floor(i / units) };
  const scales = scalesOf(data, bias, sums, h, 'per-channel');
  const recurrentBias = bias && integerBias((o) => bias[o] as number, scales, h);
  const cellPower = hidden && hidden.cell > 0 ? { cellPower: cellPowerOf(hidden.cell, node.attrs.fn !== undefined) } : {};
  return {
    ...node,
    attrs: { ...node.attrs, recurrent: { data: nearest(data, sums, scales), scales }, recurrentBias, ...cellPower },
  } as Node;
}
