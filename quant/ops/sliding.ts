/**
 * Integer parameters that conv, depthwise and dense share: multipliers per channel, bias and range.
 *
 * Defines no operator.  Source: TensorFlow Lite PopulateConvolutionQuantizationParams (double(s_x) *
 * double(s_w) / double(s_y)), SVDF (`float`), GetQuantizedConvolutionMultipler (float32(s_x * s_w) for
 * `dense-f32`) and once.ts for `dense-once`.
 */
import { RunletError } from '../../models/error.ts';
import type { Clamp, QuantParams, Tensor, Weights } from '../../models/graph/types.ts';
import type { SlidingGeometry } from '../../models/ops/sliding.ts';
import { halfGrid, type Multiplier, quantizeMultiplier } from '../fixed-point.ts';
import { onceMultipliers } from '../once.ts';
import { typesOf, wideMultiplier } from './int16.ts';
import { type MacParams, quantOf, rangeOf, type Steps } from './op.ts';

function twiceMultipliers(reals: Float64Array, split: (real: number) => Multiplier): Pick<MacParams, 'multiplier' | 'shift'> {
  const found = Array.from(reals, split);
  return {
    multiplier: Int32Array.from(found, (m) => m.multiplier),
    shift: Int32Array.from(found, (m) => m.shift),
  };
}

/**
 * Returns the largest |sum + bias| of each output of a fully connected layer, [o].
 * @param farthest largest |input - zero point|
 */
function largestSums({ weights, bias }: Pick<MacParams, 'weights' | 'bias'>, farthest: number): Float64Array {
  const largest = Float64Array.from(bias, Math.abs);
  const each = weights.length / bias.length;
  for (const [i, w] of weights.entries()) {
    const o = Math.floor(i / each);
    largest[o] = (largest[o] as number) + farthest * Math.abs(w);
  }
  return largest;
}

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
  const scales = weights.scales;
  const single = weights.scaleRule === 'dense-f32' && scales.length === 1;
  const reals = Float64Array.from({ length: outputs }, (_, o) => {
    const product = xq.scale * (scales[scales.length === 1 ? 0 : o] as number);
    if (weights.scaleRule === 'float') return Math.fround(Math.fround(product) / yq.scale);
    return (single ? Math.fround(product) : product) / yq.scale;
  });
  const range = rangeOf(parts.clamp, yq);
  const sums = { weights: weights.data, bias: bias ?? new Int32Array(outputs) };
  const steps = Math.max(range.max - yq.zeroPoint, yq.zeroPoint - range.min);
  const gate = weights.scaleRule === 'gate' && types?.x === 'int8';
  const largest = () => largestSums(sums, types?.x === 'int16' ? 32768 : 255);
  return {
    ...range,
    ...(types && { types }),
    ...(gate && { gate }),
    geometry: parts.geometry,
    ...sums,
    ...(weights.scaleRule === 'dense-once'
      ? onceMultipliers({ reals, largest: largest(), steps, wide: types !== undefined, where })
      : twiceMultipliers(reals, types && !gate ? wideMultiplier : quantizeMultiplier)),
    xZero: xq.zeroPoint,
    yZero: yq.zeroPoint,
    per: parts.per,
  };
}

/** Returns the nudge for the two roundings of each output channel. */
export const macNudge = ({ shift }: MacParams, _attrs: unknown, _x: QuantParams, y: QuantParams): Steps => ({
  by: [...shift].map(halfGrid),
  from: y.zeroPoint,
});
