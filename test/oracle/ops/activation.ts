/**
 * LOGISTIC, TANH, SOFTMAX, RELU, RELU6, QUANTIZE and DEQUANTIZE.
 *
 * In: an operator.  Out: a function that runs one step. Source: integer_ops/logistic.h, tanh.h; softmax.h,
 * requantize.h, quantize.h, dequantize.h and the preparation in *_common.cc.
 */
import { clamp, multiply, roundAway, shiftRight, splitMultiplier } from '../fixed.ts';
import type { Op, Rule } from '../runtime.ts';
import { expOnNegative, logistic, oneOverOnePlus, tanh } from '../transcendental.ts';

/** Returns the size of the quantised input from which on the function has its limit value. */
const radius = (integerBits: number, shift: number): number =>
  Math.floor(((2 ** integerBits - 1) * 2 ** (31 - integerBits)) / 2 ** shift);

function curve(op: Op, limit: { zeroPoint: number; bits: number; f: (q4: number) => number }): () => void {
  op.counts(1);
  const [x, y] = [op.input(0), op.output()];
  op.types('int8', x, y);
  op.shapeIs(y, x.shape);
  const q = op.quant(x);
  if (op.quant(y).zeroPoint !== limit.zeroPoint) op.fail(`the output's zero point is not ${limit.zeroPoint}`);
  if (op.quant(y).scale !== 2 ** -limit.bits) op.unknown(`the output's scale is not 2^-${limit.bits}`);
  const multiplier = splitMultiplier(q.scale * 2 ** 27);
  if (multiplier.shift < 0) op.unknown('a tiny input scale');
  const far = radius(4, multiplier.shift);
  return () => {
    for (let i = 0; i < y.values.length; i++) {
      const value = (x.values[i] as number) - q.zeroPoint;
      if (value <= -far) y.values[i] = -128;
      else if (value >= far) y.values[i] = 127;
      else y.values[i] = clamp(shiftRight(limit.f(multiply(value, multiplier)), 31 - limit.bits) + limit.zeroPoint, -128, 127);
    }
  };
}

export const logisticRule: Rule = (op) => curve(op, { zeroPoint: -128, bits: 8, f: logistic });
export const tanhRule: Rule = (op) => curve(op, { zeroPoint: 0, bits: 7, f: tanh });

export const softmax: Rule = (op) => {
  op.counts(1);
  const [x, y] = [op.input(0), op.output()];
  op.types('int8', x, y);
  op.shapeIs(y, x.shape);
  if (op.quant(y).zeroPoint !== -128 || op.quant(y).scale !== 1 / 256) op.fail('the output has another scale');
  const depth = x.shape.at(-1) ?? op.fail('no dimension');
  const multiplier = splitMultiplier(Math.min(op.number('beta') * op.quant(x).scale * 2 ** 26, 2 ** 31 - 1));
  if (multiplier.shift < 1) op.unknown('a tiny input scale');
  const smallest = -radius(5, multiplier.shift);
  return () => {
    for (let at = 0; at < x.values.length; at += depth) {
      const row = x.values.subarray(at, at + depth);
      const largest = Math.max(...row);
      // exp of the difference to the largest, Q0; undefined if it is too small to count
      const exps = Array.from(row, (value) =>
        value - largest >= smallest ? expOnNegative(multiply(value - largest, multiplier), 5) : undefined,
      );
      const sum = exps.reduce<number>((a, e) => (e === undefined ? a : a + shiftRight(e, 12)), 0);
      const zeros = Math.clz32(sum);
      const scale = oneOverOnePlus((sum * 2 ** zeros - 2 ** 31) | 0);
      exps.forEach((e, i) => {
        const share = e === undefined ? 0 : shiftRight(highShare(scale, e), 12 - zeros + 31 - 8);
        y.values[at + i] = clamp(share - 128, -128, 127);
      });
    }
  };
};

const highShare = (scale: number, e: number): number => multiply(scale, { significand: e, shift: 0 });

export const relu: Rule = (op) => {
  op.counts(1);
  const [x, y] = [op.input(0), op.output()];
  op.types('int8', x, y);
  op.shapeIs(y, x.shape);
  const [qx, qy] = [op.quant(x), op.quant(y)];
  const six = op.of.op === 'RELU6';
  if (six && (qx.scale !== qy.scale || qx.zeroPoint !== qy.zeroPoint)) op.unknown('RELU6 between scales');
  const { low, high } = op.range(y, six ? 3 : 1);
  const multiplier = splitMultiplier(Math.fround(qx.scale / qy.scale));
  return () => {
    for (let i = 0; i < y.values.length; i++) {
      const value = (x.values[i] as number) - qx.zeroPoint;
      y.values[i] = clamp(multiply(value, multiplier) + qy.zeroPoint, low, high);
    }
  };
};

const limits: Record<string, readonly [number, number]> = { int8: [-128, 127], uint8: [0, 255] };

export const quantize: Rule = (op) => {
  op.counts(1);
  const [x, y] = [op.input(0), op.output()];
  op.shapeIs(y, x.shape);
  const qy = op.quant(y);
  const [low, high] = limits[y.of.type] ?? op.unknown(`to ${y.of.type}`);
  if (x.of.type === 'float32') {
    // Micro supports only int8, the full interpreter also uint8, with the same formula.
    return () => {
      for (let i = 0; i < y.values.length; i++)
        y.values[i] = clamp(roundAway(Math.fround((x.values[i] as number) / qy.scale)) + qy.zeroPoint, low, high);
    };
  }
  if (!limits[x.of.type] || (x.of.type === 'uint8' && y.of.type === 'uint8')) op.unknown(`from ${x.of.type}`);
  const qx = op.quant(x);
  const multiplier = splitMultiplier(qx.scale / qy.scale);
  return () => {
    for (let i = 0; i < y.values.length; i++)
      y.values[i] = clamp(multiply((x.values[i] as number) - qx.zeroPoint, multiplier) + qy.zeroPoint, low, high);
  };
};

export const dequantize: Rule = (op) => {
  op.counts(1);
  const [x, y] = [op.input(0), op.output()];
  op.shapeIs(y, x.shape);
  op.types('float32', y);
  if (!limits[x.of.type]) op.unknown(`from ${x.of.type}`);
  const { scale, zeroPoint } = op.quant(x);
  return () => {
    for (let i = 0; i < y.values.length; i++) y.values[i] = scale * ((x.values[i] as number) - zeroPoint);
  };
};
