/**
 * activation in int8: a 256-entry table made at build time. In int16: identity and leaky ReLU are computed,
 * sigmoid and tanh interpolate a table linearly (curves.ts); other functions have no int16 form.
 *
 * In: int8 elements.  Out: int8 elements, table[q + 128].  Sigmoid and tanh have TensorFlow Lite's fixed
 * output scales (1/256 with zero point -128, 1/128 with 0). For another output scale, a requantisation is
 * folded into the table.
 */
import type { ActivationAttrs, QuantParams } from '../../models/graph/types.ts';
import { only } from '../../models/ops/sliding.ts';
import { type ActivationFn, unaryOf } from '../../models/ops/unary.ts';
import { clampInt, halfGrid, quantizeMultiplier, requantise } from '../fixed-point.ts';
import { sigmoidal, sigmoidalBits, sigmoidalInput, sigmoidTable } from './curves.ts';
import { makeInts, type Types, typesOf } from './int16.ts';
import { type CurveParams, type IntOp, quantOf, type RescaleParams, rangeOf, twoRoundings } from './op.ts';
import { entryOf, leakyReluMultipliers } from './tables.ts';

/** Parameters of Requantize and QuantizeLeakyRelu in int16; a table would need 65,536 entries. */
function wideParams(attrs: ActivationAttrs, x: QuantParams, y: QuantParams, types: Types): RescaleParams {
  const ends = { ...rangeOf(attrs.clamp, y), types, xZero: x.zeroPoint, yZero: y.zeroPoint };
  if (attrs.fn === 'leakyrelu') {
    const alpha = attrs.alpha ?? 0.01;
    const { identity, negative } = leakyReluMultipliers(x, y, alpha);
    return { ...ends, above: identity, below: { ...negative, negate: alpha < 0 } };
  }
  const scale = quantizeMultiplier(x.scale / y.scale);
  return { ...ends, above: scale, below: { ...scale, negate: false } };
}

/** Whether int16 computes the function by interpolation in a table. */
export const isCurve = (fn: ActivationFn): boolean => unaryOf(fn).int16 === 'curve';

function curveParams(attrs: ActivationAttrs, x: QuantParams, y: QuantParams, types: Types): CurveParams {
  const bits = sigmoidalBits[attrs.fn as keyof typeof sigmoidalBits];
  return {
    ...rangeOf(attrs.clamp, y),
    types,
    table: sigmoidTable,
    bits,
    input: sigmoidalInput(x.scale, bits),
    output: quantizeMultiplier(2 ** -15 / y.scale),
  };
}

export const activation: IntOp<'activation'> = {
  name: 'activation',
  int16({ fn }) {
    const { int16 } = unaryOf(fn);
    return int16 && (int16 === 'lines' ? 'any' : 'same');
  },
  prepare({ attrs, name }, [x], y) {
    const yq = quantOf(y, name);
    const { types } = typesOf(quantOf(x, name), yq);
    if (types) return (isCurve(attrs.fn) ? curveParams : wideParams)(attrs, quantOf(x, name), yq, types);
    const entry = entryOf(attrs, quantOf(x, name), yq);
    const { min, max } = rangeOf(attrs.clamp, yq);
    return { table: Int8Array.from({ length: 256 }, (_, i) => clampInt(entry(i - 128), min, max)) };
  },
  run(p, xs) {
    const { data } = only(xs, 'activation');
    if (!p.types) return data.map((q: number) => p.table[q + 128] as number) as Int8Array;
    const y = makeInts(p.types.y, data.length);
    if ('bits' in p) {
      const { multiplier, shift } = p.output;
      for (const [i, q] of data.entries())
        y[i] = clampInt(requantise(sigmoidal(q, p.input, p.bits), multiplier, shift), p.min, p.max);
      return y;
    }
    for (const [i, q] of data.entries()) {
      const value = q - p.xZero;
      const { multiplier, shift } = value < 0 ? p.below : p.above;
      const scaled = requantise(value, multiplier, shift);
      y[i] = clampInt(p.yZero + (value < 0 && p.below.negate ? -scaled : scaled), p.min, p.max);
    }
    return y;
  },
  nudge(_params, { fn, alpha = 0.01 }, x, y) {
    if (unaryOf(fn).int16 !== 'lines') return undefined;
    if (fn === 'identity') return twoRoundings(quantizeMultiplier(x.scale / y.scale).shift, y);
    const { identity, negative } = leakyReluMultipliers(x, y, alpha);
    const [above, below] = [halfGrid(identity.shift), halfGrid(negative.shift)];
    return { by: [(above + below) / 2], from: y.zeroPoint, lift: (above - below) / 2 };
  },
};
