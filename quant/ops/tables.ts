/**
 * The 256 table entries of each function of one value: TensorFlow Lite's integer arithmetic if it has one for
 * the function, else the rounded real function.
 *
 * In: input and output quantisation.  Out: a function of the int8 input, which is called 256 times. Its
 * result may exceed int8 or be infinite.
 * Source: reference_integer_ops::Logistic, Tanh; reference_ops::HardSwish, QuantizeLeakyRelu, Requantize;
 * AbsEvalQuantized and RsqrtEvalQuantized of tflite-micro's elementwise.cc; LUTPopulate of LiteRT, and of
 * tflite-micro's elu.cc, which is `lutEntry`.
 */
import type { ActivationAttrs, QuantParams } from '../../models/graph/types.ts';
import { realOf } from '../../models/ops/activation.ts';
import { type ActivationFn, type inIntegers, unaryOf } from '../../models/ops/unary.ts';
import {
  clampInt,
  frexp,
  mulHigh,
  quantizeMultiplier,
  requantise,
  roundHalfAway,
  roundingShift,
  saturatingShiftLeft,
} from '../fixed-point.ts';
import { logistic, tanh } from '../transcendental.ts';

export type Entry = (q: number) => number;

/** Logistic and tanh on Q4.27. @param outputBits 8 (with zero point -128) or 7 (with zero point 0) */
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

const logisticEntry = (x: QuantParams): Entry => sigmoidal(x, logistic, 8, -128);
const tanhEntry = (x: QuantParams): Entry => sigmoidal(x, tanh, 7, 0);

/** Requantize: converts q to another scale. */
function requantiseEntry(x: QuantParams, y: QuantParams): Entry {
  const m = quantizeMultiplier(x.scale / y.scale);
  return (q) => y.zeroPoint + requantise(q - x.zeroPoint, m.multiplier, m.shift);
}

/** Multipliers for values at or above the zero point (`identity`), and below it (`negative`). */
export function leakyReluMultipliers(x: QuantParams, y: QuantParams, alpha: number) {
  const a = Math.fround(alpha);
  const negative = quantizeMultiplier(Math.abs(Math.fround(Math.fround(x.scale * a) / y.scale)));
  return { identity: quantizeMultiplier(Math.fround(x.scale / y.scale)), negative };
}

function leakyReluEntry(x: QuantParams, y: QuantParams, alpha: number): Entry {
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

function hardSwishEntry(x: QuantParams, y: QuantParams): Entry {
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

/** AbsEvalQuantized: the distance from the zero point, rescaled. */
function absEntry(x: QuantParams, y: QuantParams): Entry {
  const { multiplier, shift } = quantizeMultiplier(x.scale / y.scale);
  const same = x.scale === y.scale;
  return (q) => {
    const value = Math.abs(q - x.zeroPoint);
    return y.zeroPoint + (same ? value : requantise(value, multiplier, shift));
  };
}

/**
 * GetInvSqrtQuantizedMultiplierExp: 1 / sqrt(value) of an integer above 1, by five Newton-Raphson steps in
 * Q3.28. The shift is to the right.
 */
function inverseRoot(value: number): { multiplier: number; shift: number } {
  const pairs = Math.floor((Math.clz32(value) - 1) / 2) - 1;
  const input = (value << (2 * pairs)) >> 1;
  const half = roundingShift(input, 1);
  const threeHalves = (1 << 28) + (1 << 27);
  let x = 1 << 28;
  for (let i = 0; i < 5; i++) {
    const cube = saturatingShiftLeft(mulHigh(mulHigh(x, x), x), 6);
    x = saturatingShiftLeft(mulHigh(threeHalves, x) - mulHigh(half, cube), 3);
  }
  const root = mulHigh(x, 1518500250);
  const shift = 11 - pairs;
  return shift < 0 ? { multiplier: root << -shift, shift: 0 } : { multiplier: root, shift };
}

/**
 * RsqrtEvalQuantized, with 20 fraction bits. At 0 it gives the maximum, and below 0 too (the kernel stops).
 */
function rsqrtEntry(x: QuantParams, y: QuantParams): Entry {
  const output = quantizeMultiplier(1 / (Math.sqrt(x.scale) * y.scale));
  return (q) => {
    const value = q - x.zeroPoint;
    if (value <= 0) return Number.POSITIVE_INFINITY;
    const root = value === 1 ? { multiplier: 2 ** 31 - 1, shift: 0 } : inverseRoot(value);
    const inverse = requantise(1, root.multiplier, 20 - root.shift);
    return y.zeroPoint + requantise(inverse, output.multiplier, output.shift - 20);
  };
}

/** LUTPopulate: the real function in float32, rounded. Outside the function's domain the result is f(0). */
function lutEntry(x: QuantParams, y: QuantParams, attrs: ActivationAttrs): Entry {
  const f = realOf(attrs);
  const perScale = Math.fround(1 / y.scale);
  return (q) => {
    const value = f(Math.fround(x.scale * (q - x.zeroPoint)));
    return y.zeroPoint + roundHalfAway(Math.fround(Math.fround(Number.isNaN(value) ? f(0) : value) * perScale));
  };
}

type EntryOf = (x: QuantParams, y: QuantParams, attrs: ActivationAttrs) => Entry;
const kernels: Record<(typeof inIntegers)[number], EntryOf> = {
  identity: requantiseEntry,
  leakyrelu: (x, y, { alpha }) => leakyReluEntry(x, y, alpha ?? 0.01),
  sigmoid: logisticEntry,
  tanh: tanhEntry,
  hardswish: hardSwishEntry,
  abs: absEntry,
  rsqrt: rsqrtEntry,
};

/**
 * Returns the function's entries, before the clamp. If the output scale differs from the function's fixed
 * one, the entries include a requantisation.
 */
export function entryOf(attrs: ActivationAttrs, x: QuantParams, y: QuantParams): Entry {
  const { fixed = y } = unaryOf(attrs.fn);
  const known: Partial<Record<ActivationFn, EntryOf>> = kernels;
  const inner = (known[attrs.fn] ?? lutEntry)(x, fixed, attrs);
  if (fixed.scale === y.scale && fixed.zeroPoint === y.zeroPoint) return inner;
  const outer = requantiseEntry(fixed, y);
  return (q) => outer(inner(q));
}
