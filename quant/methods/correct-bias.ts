/**
 * Bias correction: rounding weights shifts the mean of an output, and the bias compensates this shift.
 *
 *     b' = b + E[y] - E[y_int8],   E[y] - E[y_int8] = sum over k (W_k - W'_k) E[x_k]
 *
 * E[x_k] is the mean of the channel of weight k, equal for all taps. (Padding is ignored, because streamed
 * frames have none.) It is measured in calibration, or comes from batch normalisation (analytic-means.ts).
 * Source: Nagel et al. 2019, arXiv 1906.04721, section 4.2 (equation 16).
 * Cost: one pass over the weights.
 */
import type { WeightChannels } from '../../models/graph/channels.ts';
import type { Weights } from '../../models/graph/types.ts';
/** Returns the value to add to the float bias of each output, [o]. @param mean mean of an input channel */
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
