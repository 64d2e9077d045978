/**
 * Float weights to int8: symmetric, one scale per output channel, bias in int32.
 *
 * In: float attributes of conv, depthwise or dense and the scales of input and output.  Out: int8 attributes.
 * Source: TensorFlow Lite 8-bit quantisation specification (weights in [-127, 127], bias scale s_x * s_w, zero point 0).
 */
import type { QuantParams, Weights } from '../models/graph/types.ts';
import { clampInt, roundHalfAway } from './fixed-point.ts';

/** Output channel of weight i. */
export type ChannelOf = (i: number) => number;

export function quantiseWeights(
  weights: Weights,
  bias: Float32Array | Int32Array | null,
  outputs: number,
  channelOf: ChannelOf,
  x: QuantParams,
): { weights: Weights; bias: Int32Array } {
  const largest = new Float64Array(outputs);
  const { data } = weights;
  for (let i = 0; i < data.length; i++) {
    const o = channelOf(i);
    largest[o] = Math.max(largest[o] as number, Math.abs(data[i] as number));
  }
  // the bias must fit int32 with room for the sum; a channel without weights takes a scale for its bias alone
  const scales = Float64Array.from(largest, (max, o) => {
    const b = Math.abs(bias?.[o] ?? 0);
    const forBias = b / (x.scale * 2 ** 30);
    const scale = Math.max(max / 127, forBias, max === 0 ? b / (x.scale * 2 ** 20) : 0);
    return Math.fround(scale) || 2 ** -20;
  });
  const quantised = new Int8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    quantised[i] = clampInt(roundHalfAway((data[i] as number) / (scales[channelOf(i)] as number)), -127, 127);
  }
  const integers = Int32Array.from({ length: outputs }, (_, o) =>
    roundHalfAway((bias?.[o] ?? 0) / (x.scale * (scales[o] as number))),
  );
  return { weights: { data: quantised, scales, scaleRule: 'per-channel' }, bias: integers };
}
