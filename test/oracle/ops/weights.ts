/**
 * CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on int8: 32-bit sums, one multiplier per channel, two
 * roundings. `fullyConnectedOnce` rounds once, in doubles.
 *
 * In: an operator.  Out: a function that runs one step. Source: integer_ops/conv.h, depthwise_conv.h,
 * fully_connected.h; kernel_util.cc and fully_connected_common.cc for the multipliers.
 */
import { elementsOf } from '../file.ts';
import { type Multiplier, multiply, roundAway, splitMultiplier } from '../fixed.ts';
import type { Op, Rule, Tensor } from '../runtime.ts';

/** Returns s_in * s_w[c] / s_out for each channel, computed in doubles. */
function realMultipliers(op: Op, x: Tensor, w: Tensor, y: Tensor, channels: number, axis: number): number[] {
  const q = w.of.quant ?? op.unknown('weights without a scale');
  if (q.zeroPoints.some((z) => z !== 0)) op.unknown('weights with a zero point');
  if (q.scales.length > 1 && (q.scales.length !== channels || q.axis !== axis)) op.fail(`${q.scales.length} scales`);
  const [sx, sy] = [op.quant(x).scale, op.quant(y).scale];
  return Array.from({ length: channels }, (_, c) => {
    const scale = (q.scales[c] ?? q.scales[0]) as number;
    if (!(scale > 0 && Number.isFinite(scale))) op.unknown(`a weight scale of ${scale}`);
    return (sx * scale) / sy;
  });
}

const multipliers = (...all: Parameters<typeof realMultipliers>): Multiplier[] => realMultipliers(...all).map(splitMultiplier);

function biasOf(op: Op, channels: number): ArrayLike<number> {
  const bias = op.inputs[2];
  if (!bias) return new Int32Array(channels);
  op.types('int32', bias);
  if (!bias.of.data) op.unknown('a bias that is not constant');
  if (elementsOf(bias.shape) !== channels) op.fail('a bias of another length');
  return bias.values;
}

interface Axis {
  kernel: number;
  stride: number;
  dilation: number;
  before: number;
}

/** Checks the output rows and returns the padding along one axis; `axis` is 1 (H) or 2 (W). */
export function alongAxis(op: Op, x: Tensor, y: Tensor, axis: 1 | 2, kernel: number): Axis {
  const letter = axis === 1 ? 'H' : 'W';
  const stride = op.number(`stride${letter}`);
  const dilation = Number(op.options[`dilation${letter}`] ?? 1);
  if (stride < 1 || dilation < 1 || kernel < 1) op.fail('stride, dilation and kernel are at least 1');
  const rows = x.shape[axis] as number;
  const reach = (kernel - 1) * dilation + 1;
  const padding = op.number('padding');
  if (padding !== 0 && padding !== 1) op.fail(`padding ${padding}`);
  const out = padding === 0 ? Math.ceil(rows / stride) : Math.ceil((rows + 1 - reach) / stride);
  if (out < 1 || y.shape[axis] !== out) op.fail(`${y.of.name} has ${y.shape[axis]} rows, not ${out}`);
  const total = Math.max(0, (out - 1) * stride + reach - rows);
  return { kernel, stride, dilation, before: padding === 0 ? Math.floor(total / 2) : 0 };
}

/** Returns the sum of products at an output row, column and channel, before the bias. */
type Sum = (row: number, column: number, channel: number, batch: number) => number;

function finish(op: Op, x: Tensor, y: Tensor, scales: Multiplier[], sum: Sum): () => void {
  const channels = y.shape[3] as number;
  const bias = biasOf(op, channels);
  const { low, high } = op.range(y);
  const { zeroPoint } = op.quant(y);
  if (x.shape[0] !== y.shape[0]) op.fail('another batch');
  const [batches, rows, columns] = y.shape as [number, number, number, number];
  return () => {
    let at = 0;
    for (let b = 0; b < batches; b++)
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++)
          for (let c = 0; c < channels; c++) {
            const acc = (sum(row, column, c, b) + (bias[c] as number)) | 0;
            y.values[at++] = Math.min(high, Math.max(low, multiply(acc, scales[c] as Multiplier) + zeroPoint));
          }
  };
}

function image(op: Op): [Tensor, Tensor, Tensor] {
  op.counts([2, 3]);
  const [x, w, y] = [op.input(0), op.input(1), op.output()];
  op.types('int8', x, w, y);
  if (!w.of.data) op.unknown('weights that are not constant');
  if (x.shape.length !== 4 || w.shape.length !== 4 || y.shape.length !== 4) op.fail('not four dimensions');
  return [x, w, y];
}

export const conv: Rule = (op) => {
  const [x, w, y] = image(op);
  const [outChannels, kernelH, kernelW, depth] = w.shape as [number, number, number, number];
  const [, xRows, xColumns, channels] = x.shape as [number, number, number, number];
  if (y.shape[3] !== outChannels || depth < 1 || channels % depth !== 0) op.fail('channels do not fit');
  const groups = channels / depth;
  if (outChannels % groups !== 0) op.fail('groups do not fit');
  const perGroup = outChannels / groups;
  const h = alongAxis(op, x, y, 1, kernelH);
  const v = alongAxis(op, x, y, 2, kernelW);
  const zero = op.quant(x).zeroPoint;
  const sum: Sum = (row, column, o, b) => {
    let acc = 0;
    const first = Math.floor(o / perGroup) * depth;
    for (let i = 0; i < kernelH; i++) {
      const r = row * h.stride - h.before + i * h.dilation;
      if (r < 0 || r >= xRows) continue;
      for (let j = 0; j < kernelW; j++) {
        const c = column * v.stride - v.before + j * v.dilation;
        if (c < 0 || c >= xColumns) continue;
        const from = ((b * xRows + r) * xColumns + c) * channels + first;
        const weight = ((o * kernelH + i) * kernelW + j) * depth;
        for (let k = 0; k < depth; k++) acc += ((x.values[from + k] as number) - zero) * (w.values[weight + k] as number);
      }
    }
    return acc;
  };
  return finish(op, x, y, multipliers(op, x, w, y, outChannels, 0), sum);
};

export const depthwise: Rule = (op) => {
  const [x, w, y] = image(op);
  const [one, kernelH, kernelW, outChannels] = w.shape as [number, number, number, number];
  const [, xRows, xColumns, channels] = x.shape as [number, number, number, number];
  const multiplier = outChannels / channels;
  if (one !== 1 || y.shape[3] !== outChannels || !Number.isInteger(multiplier)) op.fail('channels do not fit');
  if (op.number('multiplier') !== multiplier) op.unknown('the depth multiplier is not that of the weights');
  const h = alongAxis(op, x, y, 1, kernelH);
  const v = alongAxis(op, x, y, 2, kernelW);
  const zero = op.quant(x).zeroPoint;
  const sum: Sum = (row, column, o, b) => {
    let acc = 0;
    const from0 = Math.floor(o / multiplier);
    for (let i = 0; i < kernelH; i++) {
      const r = row * h.stride - h.before + i * h.dilation;
      if (r < 0 || r >= xRows) continue;
      for (let j = 0; j < kernelW; j++) {
        const c = column * v.stride - v.before + j * v.dilation;
        if (c < 0 || c >= xColumns) continue;
        const value = x.values[((b * xRows + r) * xColumns + c) * channels + from0] as number;
        acc += (value - zero) * (w.values[(i * kernelW + j) * outChannels + o] as number);
      }
    }
    return acc;
  };
  return finish(op, x, y, multipliers(op, x, w, y, outChannels, 3), sum);
};

/** FULLY_CONNECTED of LiteRT 2.3.0: std::round of the sum times s_in * s_w / s_out, in doubles. */
export const fullyConnectedOnce: Rule = (op) => fullyConnected(op, (acc, real) => roundAway(acc * real));

/** FULLY_CONNECTED of TensorFlow Lite Micro 8f6596d. `scaled` converts a sum to the output's scale. */
export function fullyConnected(op: Op, scaled = (acc: number, real: number) => multiply(acc, splitMultiplier(real))): () => void {
  op.counts([2, 3]);
  const [x, w, y] = [op.input(0), op.input(1), op.output()];
  op.types('int8', x, w, y);
  if (!w.of.data) op.unknown('weights that are not constant');
  if (w.shape.length !== 2) op.unknown('weights that are not a matrix');
  if (op.number('weightsFormat') !== 0) op.unknown('shuffled weights');
  const [units, depth] = w.shape as [number, number];
  const rows = elementsOf(y.shape) / units;
  if (y.shape.at(-1) !== units || elementsOf(x.shape) !== rows * depth) op.fail('sizes do not fit');
  const reals = realMultipliers(op, x, w, y, units, 0);
  const bias = biasOf(op, units);
  const { low, high } = op.range(y);
  const [zx, zy] = [op.quant(x).zeroPoint, op.quant(y).zeroPoint];
  return () => {
    for (let row = 0; row < rows; row++)
      for (let o = 0; o < units; o++) {
        let acc = bias[o] as number;
        for (let k = 0; k < depth; k++) acc += (w.values[o * depth + k] as number) * ((x.values[row * depth + k] as number) - zx);
        y.values[row * units + o] = Math.min(high, Math.max(low, scaled(acc | 0, reals[o] as number) + zy));
      }
  };
}
