/**
 * What conv, depthwise and dense share: per-channel multipliers, bias and range from an int8 graph.
 *
 * Holds no operator.  Source: TensorFlow Lite PopulateConvolutionQuantizationParams (double(s_x) * double(s_w) / double(s_y)) and
 * GetQuantizedConvolutionMultipler (float32(s_x * s_w) for FULLY_CONNECTED).
 */
import { RunletError } from '../../models/error.ts';
import type { Clamp, Tensor, Weights } from '../../models/graph/types.ts';
import type { SlidingGeometry } from '../../models/ops/sliding.ts';
import { quantizeMultiplier } from '../fixed-point.ts';
import { typesOf, wideMultiplier } from './int16.ts';
import { type MacParams, quantOf, rangeOf } from './op.ts';

export function macParams(
  where: string,
  parts: { weights: Weights; bias: Float32Array | Int32Array | null; clamp: Clamp; geometry: SlidingGeometry; per: number },
  x: Tensor | undefined,
  y: Tensor,
): MacParams {
  const { weights, bias } = parts;
  const xq = quantOf(x, where);
  const yq = quantOf(y, where);
  const outputs = y.shape.c;
  if (!(weights.data instanceof Int8Array) || !weights.scales || bias instanceof Float32Array) {
    throw new RunletError('RN401', {
      what: 'weights are not int8',
      where,
      tryThis: 'quantise the model with calibration data first',
    });
  }
  const { types } = typesOf(xq, yq);
  const multiplier = new Int32Array(outputs);
  const shift = new Int32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const sw = weights.scales[weights.scales.length === 1 ? 0 : o] as number;
    const product = weights.scaleRule === 'dense-f32' ? Math.fround(xq.scale * sw) : xq.scale * sw;
    const m = types ? wideMultiplier(product / yq.scale) : quantizeMultiplier(product / yq.scale);
    multiplier[o] = m.multiplier;
    shift[o] = m.shift;
  }
  return {
    ...rangeOf(parts.clamp, yq),
    ...(types && { types }),
    geometry: parts.geometry,
    weights: weights.data,
    bias: bias ?? new Int32Array(outputs),
    multiplier,
    shift,
    xZero: xq.zeroPoint,
    yZero: yq.zeroPoint,
    per: parts.per,
  };
}
