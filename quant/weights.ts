/**
 * Float weights to int8: symmetric, a scale per output channel (or one a layer), bias in int32.
 *
 * In: a node with float weights, the scale of its input, what calibration saw of the input.  Out: the int8
 * node.
 * Source: TensorFlow Lite 8-bit quantisation specification (weights in [-127, 127], bias scale s_x * s_w,
 * zero point 0).
 */
import { type MacNode, type WeightChannels, weightChannels, withWeights } from '../models/graph/channels.ts';
import { isRecurrent } from '../models/graph/recurrent.ts';
import type { Node, QuantParams, Tensor, Weights } from '../models/graph/types.ts';
import { maxOf, minOf } from '../models/lists.ts';
import type { Hidden } from '../models/ops/op.ts';
import { realOf } from '../models/ops/sliding.ts';
import { clampInt, mostBias, roundHalfAway } from './fixed-point.ts';
import { biasShift } from './methods/correct-bias.ts';
import type { Gram } from './methods/gram.ts';
import { roundTogether } from './methods/round-weights.ts';
import { cellPowerOf } from './ops/gates.ts';
import type { Methods } from './presets.ts';
import { quantiseSignal } from './report.ts';
import { asymmetric } from './scales.ts';

/** What calibration saw of a node's input. */
export interface InputSeen {
  /** Mean of each of its channels. */
  mean?: ((channel: number) => number) | undefined;
  /** One a set of outputs (quant/methods/gram.ts). */
  grams?: readonly Gram[] | undefined;
}

/** How many outputs weights have, and of which one weight i is. */
type Outputs = Pick<WeightChannels, 'outputs' | 'output'>;

/** A choice, of a step: float32 products of a step miss its multiples by far less, and this costs nothing. */
const onGrid = 1e-3;

/**
 * The step of weights that are whole multiples of one, at most 127 of it: those that a file had in int8 or
 * fewer bits lose nothing. @returns undefined where there is none
 */
function stepOf(weights: readonly number[], largest: number): number | undefined {
  for (let most = 127; most > 0; most--) {
    const step = largest / most;
    if (weights.every((w) => Math.abs(w / step - Math.round(w / step)) < onGrid)) return step;
  }
  return undefined;
}

/**
 * Scales of weights, [o]; the bias must fit int32 with room for the sum, and a channel without weights
 * takes a scale for its bias alone.
 */
function scalesOf(
  data: Weights['data'],
  bias: ArrayLike<number> | null,
  channels: Outputs,
  x: QuantParams,
  rule: Methods['weightScales'],
): Float64Array {
  const own: number[][] = Array.from({ length: channels.outputs }, () => []);
  for (const [i, w] of data.entries()) own[channels.output(i)]?.push(w);
  const steps = (rule === 'per-tensor' ? [[...data]] : own).map((weights) => {
    const largest = maxOf(weights.map(Math.abs));
    return stepOf(weights, largest) ?? largest / 127;
  });
  return Float64Array.from(own, (_, o) => {
    const step = steps[steps.length === 1 ? 0 : o] as number;
    const b = Math.abs(bias?.[o] ?? 0);
    const forBias = b / (x.scale * 2 ** 30);
    return Math.fround(Math.max(step, forBias, step > 0 ? 0 : b / (x.scale * 2 ** 20))) || 2 ** -20;
  });
}

function nearest(data: ArrayLike<number>, channels: Outputs, scales: Float64Array): Int8Array {
  return Int8Array.from(data, (w, i) => clampInt(roundHalfAway(w / (scales[channels.output(i)] as number)), -127, 127));
}

/** Real biases in int32, at the scale of the input times that of the weights. */
const integerBias = (real: (o: number) => number, scales: Float64Array, x: QuantParams): Int32Array =>
  Int32Array.from(scales, (scale, o) => clampInt(roundHalfAway(real(o) / (x.scale * scale)), -mostBias, mostBias));

/**
 * Output by output; places of an output's weights in `data` in their own order, which is that of the Gram's
 * inputs.
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

/** A node with its float constant operand in int8, over the range of its values; another node stays. */
export function int8Operand(node: Node): Node {
  if (!('constant' in node.attrs) || !node.attrs.constant) return node;
  const real = realOf(node.attrs.constant);
  const quant = asymmetric(minOf(real), maxOf(real));
  return { ...node, attrs: { ...node.attrs, constant: { data: quantiseSignal(real, quant), quant } } } as Node;
}

/**
 * A float cell in integers, which multiplies its own output; another node stays. @param hidden what
 * calibration saw in it
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
