/**
 * The 256 entries of each activation, filled with TensorFlow Lite's reference integer arithmetic, not with Math.exp.
 *
 * In: input and output quantisation.  Out: a function of the int8 input, to be called 256 times.  Holds no operator.
 * Source: reference_integer_ops::Logistic, Tanh; reference_ops::HardSwish, QuantizeLeakyRelu, Requantize.
 */
import type { QuantParams } from '../../models/graph/types.ts';
import { clampInt, frexp, quantizeMultiplier, requantise, roundHalfAway, roundingShift } from '../fixed-point.ts';
import { logistic, tanh } from '../transcendental.ts';

export type Entry = (q: number) => number;

/** Logistic and tanh on Q4.27: output bits 8 with zero point -128, or 7 with zero point 0. */
function sigmoidal(x: QuantParams, f: (raw: number) => number, outputBits: number, yZero: number): Entry {
  const { fraction, exponent } = frexp(x.scale * 2 ** 27);
  const multiplier = roundHalfAway(fraction * 2 ** 31);
  const radius = Math.floor((15 * 2 ** 27) / 2 ** exponent);
  return (q) => {
    const value = q - x.zeroPoint;
    if (value <= -radius) return -128;
    if (value >= radius) return 127;
    return roundingShift(f(requantise(value, multiplier, exponent)), 31 - outputBits) + yZero;
  };
}

export const logisticEntry = (x: QuantParams): Entry => sigmoidal(x, logistic, 8, -128);
export const tanhEntry = (x: QuantParams): Entry => sigmoidal(x, tanh, 7, 0);

/** Requantize: q in one scale to another. */
export function requantiseEntry(x: QuantParams, y: QuantParams): Entry {
  const m = quantizeMultiplier(x.scale / y.scale);
  return (q) => y.zeroPoint + requantise(q - x.zeroPoint, m.multiplier, m.shift);
}

/** Of values at or above the zero point, and below it. */
export function leakyReluMultipliers(x: QuantParams, y: QuantParams, alpha: number) {
  const a = Math.fround(alpha);
  const negative = quantizeMultiplier(Math.abs(Math.fround(Math.fround(x.scale * a) / y.scale)));
  return { identity: quantizeMultiplier(Math.fround(x.scale / y.scale)), negative };
}

export function leakyReluEntry(x: QuantParams, y: QuantParams, alpha: number): Entry {
  const a = Math.fround(alpha);
  const { identity, negative } = leakyReluMultipliers(x, y, alpha);
  return (q) => {
    const value = q - x.zeroPoint;
    if (value >= 0) return y.zeroPoint + requantise(value, identity.multiplier, identity.shift);
    return y.zeroPoint + Math.sign(a) * requantise(value, negative.multiplier, negative.shift);
  };
}

const int16 = (v: number) => clampInt(v, -32768, 32767);
/** Rounding doubling high multiply of int16. */
const mulHigh16 = (a: number, b: number) => (a === -32768 && b === -32768 ? 32767 : Math.floor((a * b + 2 ** 14) / 2 ** 15));
/** DownScaleInt32ToInt16Multiplier. */
const down16 = (m: number) => (m >= 2 ** 31 - 2 ** 15 ? 32767 : (m + 2 ** 15) >> 16);

export function hardSwishEntry(x: QuantParams, y: QuantParams): Entry {
  const hires = Math.fround(x.scale / 128);
  const output = quantizeMultiplier(Math.fround(hires / y.scale));
  const reluish = quantizeMultiplier(Math.fround(hires / Math.fround(3 / 32768)));
  const outputMultiplier = down16(output.multiplier);
  const reluishMultiplier = down16(reluish.multiplier);
  return (q) => {
    const value = (q - x.zeroPoint) * 128;
    const preshift = mulHigh16(value, outputMultiplier);
    let r = value;
    if (reluish.shift > 0) r = int16(r * 2 ** (reluish.shift - 1));
    r = mulHigh16(r, reluishMultiplier);
    if (reluish.shift > 0) r = int16(r * 2);
    if (reluish.shift < 0) r = roundingShift(r, -reluish.shift);
    r = (r + 32768) >> 1;
    const product = Math.trunc((r * preshift) / 32768);
    return y.zeroPoint + (output.shift > 0 ? product * 2 ** output.shift : roundingShift(product, -output.shift));
  };
}
