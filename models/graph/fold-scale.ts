/**
 * Folds a scale node, y[c] = scale[c] * x[c] + offset[c] (a depthwise convolution of kernel 1), into a
 * neighbouring layer.
 *
 * In: float nodes.  Out: changed weights and biases.  Formulas: s * (W x + b) + o = (s W) x + (s b + o), and
 * W (s x + o) + b = (W s) x + (W o + b). With zero padding the second holds only for o = 0, because padding
 * has no offset.
 */
import { hasWeights, weightChannels } from './channels.ts';
import { isNoClamp, thenClamp } from './clamp.ts';
import type { Clamp, ConvAttrs, DenseAttrs, DepthwiseAttrs, Moments, Node, NodeOf } from './types.ts';
import { noClamp } from './types.ts';

export interface ScaleNode {
  node: NodeOf<'depthwise'>;
  /** Scale and offset, [c]. */
  scale: ArrayLike<number> & Iterable<number> & { every(test: (v: number) => boolean): boolean };
  offset: Float32Array;
}

/** Returns `node` as a scale and offset per channel, or undefined if it is not a scale. */
export function asScale(node: Node): ScaleNode | undefined {
  if (node.op !== 'depthwise') return undefined;
  const a = node.attrs;
  const pointwise = a.kernelT === 1 && a.kernelF === 1 && a.strideT === 1 && a.strideF === 1 && a.multiplier === 1;
  if (!pointwise || isPadded(a)) return undefined;
  const scale = a.weights.data as Float32Array;
  return { node, scale, offset: a.bias ? Float32Array.from(a.bias) : new Float32Array(scale.length) };
}

const isPadded = (a: Pick<ConvAttrs, 'padT' | 'padF'>): boolean => [...a.padT, ...a.padF].some((p) => p !== 0);

/**
 * Folds into the layer before: s * (W x + b) + o. Returns false if it has no weights, or its clamp prevents
 * it.
 */
export function absorbIntoPrevious(previous: Node, { node, scale, offset }: ScaleNode): boolean {
  if (previous.op !== 'conv' && previous.op !== 'depthwise' && previous.op !== 'dense') return false;
  const attrs: ConvAttrs | DepthwiseAttrs | DenseAttrs = previous.attrs;
  const clamp = scaledClamp(attrs.clamp, scale, offset);
  if (!clamp) return false;
  const channels = scale.length;
  const perChannel = attrs.weights.data.length / channels;
  const channel = previous.op === 'depthwise' ? (i: number) => i % channels : (i: number) => Math.floor(i / perChannel);
  // behind a clamp the distribution is not normal any more
  const moments = isNoClamp(attrs.clamp) ? (node.attrs.moments ?? scaledMoments(attrs.moments, scale, offset)) : undefined;
  const data = Float32Array.from(attrs.weights.data, (w, i) => w * (scale[channel(i)] as number));
  attrs.weights = { data };
  attrs.bias = Float32Array.from(offset, (o, c) => (scale[c] as number) * (attrs.bias?.[c] ?? 0) + o);
  attrs.clamp = thenClamp(clamp, node.attrs.clamp);
  if (moments) attrs.moments = moments;
  else delete attrs.moments;
  return true;
}

/** Returns the moments of batch normalisation after a further scale and offset. */
const scaledMoments = (of: Moments | undefined, scale: ArrayLike<number>, offset: Float32Array): Moments | undefined =>
  of && {
    mean: of.mean.map((m, c) => (scale[c] as number) * m + (offset[c] as number)),
    deviation: of.deviation.map((d, c) => Math.abs(scale[c] as number) * d),
  };

/**
 * Returns clamp' with s * clamp(x) + o = clamp'(s * x + o); undefined if channels differ or an s is not > 0.
 */
function scaledClamp(clamp: Clamp, scale: ArrayLike<number>, offset: Float32Array): Clamp | undefined {
  if (clamp[0] === noClamp[0] && clamp[1] === noClamp[1]) return clamp;
  let result: Clamp | undefined;
  for (let c = 0; c < scale.length; c++) {
    const s = scale[c] as number;
    if (!(s > 0)) return undefined;
    const o = offset[c] as number;
    const here: Clamp = [s * clamp[0] + o, s * clamp[1] + o];
    if (result && (here[0] !== result[0] || here[1] !== result[1])) return undefined;
    result = here;
  }
  return result;
}

/**
 * Folds into the layer behind: W (s x + o) + b. Returns false if it has no weights, or has padding and o is
 * not 0. @param channels number of channels of its input
 */
export function absorbIntoNext(next: Node, { scale, offset }: ScaleNode, channels: number): boolean {
  if (!hasWeights(next)) return false;
  if (next.op !== 'dense' && isPadded(next.attrs) && offset.some((o) => o !== 0)) return false;
  const { data } = next.attrs.weights;
  const { outputs, input, output } = weightChannels(next, channels);
  const bias = Float64Array.from({ length: outputs }, (_, o) => next.attrs.bias?.[o] ?? 0);
  for (let i = 0; i < data.length; i++) {
    const o = output(i);
    bias[o] = (bias[o] as number) + (data[i] as number) * (offset[input(i)] as number);
  }
  next.attrs.weights = { data: Float32Array.from(data, (w, i) => w * (scale[input(i)] as number)) };
  if (next.attrs.bias || offset.some((o) => o !== 0)) next.attrs.bias = Float32Array.from(bias);
  return true;
}
