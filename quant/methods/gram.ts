/**
 * Gram: the covariance of the inputs of a layer, that is of the values that its weights multiply.
 *
 * In: a node with weights and blocks of its input, whole frames [t][f][c].  Out: for each set of outputs that
 * read the same channels (a group; a channel of a depthwise layer) the mean and the covariance of its K
 * inputs, in the order of their weights. Positions with padding along time are skipped (streamed frames have
 * none); padding along features counts as 0. At most `maxPositions` positions of a layer are used, spread
 * evenly over the calls.  Cost: K^2 a position.
 */
import { type MacNode, weightChannels } from '../../models/graph/channels.ts';
import type { Shape } from '../../models/graph/types.ts';

export class Gram {
  /** Number of inputs of one output. */
  readonly inputs: number;
  private readonly sum: Float64Array;
  private readonly products: Float64Array; // [k][k], upper triangle
  positions = 0;

  constructor(inputs: number) {
    this.inputs = inputs;
    this.sum = new Float64Array(inputs);
    this.products = new Float64Array(inputs * inputs);
  }

  add(x: Float64Array): void {
    const { inputs, sum, products } = this;
    for (let i = 0; i < inputs; i++) {
      const v = x[i] as number;
      if (v === 0) continue;
      sum[i] = (sum[i] as number) + v;
      const row = i * inputs;
      for (let k = i; k < inputs; k++) products[row + k] = (products[row + k] as number) + v * (x[k] as number);
    }
    this.positions++;
  }

  mean(): Float64Array {
    return this.sum.map((s) => s / Math.max(1, this.positions));
  }

  /**
   * Returns E[x x^T] - E[x] E[x]^T, [k][k]. @param central false: E[x x^T], for layers without corrected bias
   */
  covariance(central = true): Float64Array {
    const { inputs, positions } = this;
    const mean = central ? this.mean() : new Float64Array(inputs);
    const result = new Float64Array(inputs * inputs);
    for (let i = 0; i < inputs; i++)
      for (let k = i; k < inputs; k++) {
        const v = (this.products[i * inputs + k] as number) / Math.max(1, positions) - (mean[i] as number) * (mean[k] as number);
        result[i * inputs + k] = v;
        result[k * inputs + i] = v;
      }
    return result;
  }
}

/**
 * Returns a Gram for each set of outputs: for each group of a convolution, or each input channel of a
 * depthwise layer. @param channels number of channels of the node's input
 */
export function gramsOf(node: MacNode, channels: number): Gram[] {
  const { sets, inputs } = weightChannels(node, channels);
  return Array.from({ length: sets }, () => new Gram(inputs));
}

/** Largest number of positions that are used of a layer. */
const maxPositions = 4096;

/** Adds evenly spread positions of a block to the node's Grams. @param visits expected number of blocks */
export function addPositions(node: MacNode, grams: readonly Gram[], data: Float32Array, shape: Shape, visits: number): void {
  if (!('kernelT' in node.attrs)) {
    grams[0]?.add(Float64Array.from(data));
    return;
  }
  const { kernelT, kernelF, strideT, strideF, dilationT, dilationF, padF } = node.attrs;
  const channels = shape.c;
  const inner = channels / grams.length;
  const rows = Math.floor((shape.t - (kernelT - 1) * dilationT - 1) / strideT) + 1;
  const columns = Math.floor((shape.f + padF[0] + padF[1] - (kernelF - 1) * dilationF - 1) / strideF) + 1;
  const x = new Float64Array(kernelT * kernelF * inner);
  const every = Math.max(1, Math.ceil((rows * columns * visits) / maxPositions));
  for (let position = 0; position < rows * columns; position += every) {
    const t = Math.floor(position / columns) * strideT;
    const f = (position % columns) * strideF - padF[0];
    for (const [set, gram] of grams.entries()) {
      let at = 0;
      for (let kt = 0; kt < kernelT; kt++)
        for (let kf = 0; kf < kernelF; kf++) {
          const column = f + kf * dilationF;
          const inside = column >= 0 && column < shape.f;
          const from = ((t + kt * dilationT) * shape.f + column) * channels + set * inner;
          for (let i = 0; i < inner; i++) x[at++] = inside ? (data[from + i] as number) : 0;
        }
      gram.add(x);
    }
  }
}
