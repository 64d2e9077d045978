/**
 * Folds layers that only select values into the layers that read them. Such layers cut frames from a signal,
 * or put zeros around a frame.
 *
 * In: a convolution whose outputs have at most one weight each, and the convolutions of kernel 1 that read
 * it.
 * Out: the attributes of the joined convolutions, if they have no more products than before.  Formula:
 * W (s x[pick] + b) + d. Exact up to the rounding of s W.
 */
import { isNoClamp } from './clamp.ts';
import type { ConvAttrs, Node } from './types.ts';

const isOfOne = (a: ConvAttrs): boolean =>
  a.groups * a.kernelT * a.kernelF * a.strideT * a.strideF === 1 && [...a.padT, ...a.padF].every((p) => p === 0);

/** Returns the tap of each output's only weight, or -1 if it has none; undefined if an output has several. */
function picksOf({ outChannels, weights: { data } }: ConvAttrs): Int32Array | undefined {
  const taps = data.length / outChannels;
  const picks = new Int32Array(outChannels).fill(-1);
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue;
    const o = Math.floor(i / taps);
    if (picks[o] !== -1) return undefined;
    picks[o] = i % taps;
  }
  return picks;
}

/** Returns the new attributes of each reader; undefined if folding is not possible or not cheaper. */
export function pickedBy(first: Node, readers: readonly Node[]): ConvAttrs[] | undefined {
  if (first.op !== 'conv' || first.attrs.groups !== 1 || !isNoClamp(first.attrs.clamp)) return undefined;
  const a = first.attrs;
  const inner = a.outChannels;
  const taps = a.weights.data.length / inner;
  const layers = readers.flatMap((node) => (node.op === 'conv' && isOfOne(node.attrs) ? [node.attrs] : []));
  const outer = layers.reduce((sum, { outChannels }) => sum + outChannels, 0);
  if (layers.length === 0 || layers.length < readers.length || outer * taps > inner * (taps + outer)) return undefined;
  const picks = picksOf(a);
  return picks && layers.map((b) => joined(a, b, picks, taps));
}

function joined(a: ConvAttrs, b: ConvAttrs, picks: Int32Array, taps: number): ConvAttrs {
  const data = new Float32Array(b.outChannels * taps);
  const bias = Float32Array.from({ length: b.outChannels }, (_, o) => {
    let sum = b.bias?.[o] ?? 0;
    for (const [i, pick] of picks.entries()) {
      const w = b.weights.data[o * picks.length + i] as number;
      sum += w * (a.bias?.[i] ?? 0);
      if (pick >= 0) data[o * taps + pick] = (data[o * taps + pick] as number) + w * (a.weights.data[i * taps + pick] as number);
    }
    return sum;
  });
  return { ...a, outChannels: b.outChannels, weights: { data }, bias: a.bias || b.bias ? bias : null, clamp: b.clamp };
}
