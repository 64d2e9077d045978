/**
 * Bias correction: rounding weights moves the mean of an output; the bias takes that back.
 *
 *     E[y] - E[y_int8] = sum over k (W_k - W'_k) E[x_k];   b' = b + that
 *
 * E[x_k] is the mean of channel k, the same for all taps (padding is left out: streamed frames have none):
 * measured in calibration, or analytic, from batch normalisation (quant/methods/analytic-means.ts).
 * Source: Nagel et al. 2019, arXiv 1906.04721, section 4.2 (equation 16).
 * Cost: one pass over the weights.
 */
import type { WeightChannels } from '../../models/graph/channels.ts';
import type { Weights } from '../../models/graph/types.ts';
/** What to add to the float bias of each output. */
export function biasShift(
  float: Weights,
  int8: Weights,
  channels: WeightChannels,
  mean: (channel: number) => number,
): Float64Array {
  const shift = new Float64Array(channels.outputs);
  for (const [i, w] of float.data.entries()) {
    const o = channels.output(i);
    const rounded = (int8.data[i] as number) * (int8.scales?.[o] ?? 1);
    shift[o] = (shift[o] as number) + (w - rounded) * mean(channels.input(i));
  }
  return shift;
}
