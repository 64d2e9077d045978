/**
 * exp, logistic and tanh in fixed point, as TensorFlow Lite's reference integer kernels compute them. Tables
 * of these functions are made from them.
 *
 * In: raw fixed-point int32.  Out: raw Q0.31.  Source: gemmlowp fixedpoint.h (formulas: Taylor on (-1/4, 0],
 * a barrel of exp(-2^k) factors, Newton-Raphson for 1 / (1 + x)).  Exact: integers only.
 */
import { mulHigh, roundingShift, saturatingShiftLeft } from './fixed-point.ts';

const one = 2 ** 31 - 1;

/** exp(a) for a in (-1/4, 0), Q0.31 in and out. */
function expQuarter(a: number): number {
  const expMinusEighth = 1895147668;
  const third = 715827883;
  const x = a + (1 << 28);
  const x2 = mulHigh(x, x);
  const x3 = mulHigh(x2, x);
  const x4 = mulHigh(x2, x2);
  const inner = mulHigh(roundingShift(x4, 2) + x3, third) + x2;
  return expMinusEighth + mulHigh(expMinusEighth, x + roundingShift(inner, 1));
}

/** exp(-2^k) in Q0.31 for k = -2..4. */
const barrel = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242];

/** exp(a) for a <= 0 in Q(integerBits).(31 - integerBits), integerBits <= 5; Q0.31 out. */
export function expOnNegative(a: number, integerBits: number): number {
  if (a === 0) return one;
  const fractionBits = 31 - integerBits;
  const quarter = 2 ** (fractionBits - 2);
  const modulo = (a & (quarter - 1)) - quarter;
  let result = expQuarter(saturatingShiftLeft(modulo, integerBits));
  const remainder = modulo - a;
  barrel.forEach((factor, i) => {
    const exponent = i - 2;
    if (integerBits > exponent && remainder & (2 ** (fractionBits + exponent))) result = mulHigh(result, factor);
  });
  return result;
}

/** 1 / ((1 + x) / 2) in Q2.29 by three Newton-Raphson steps, x in [0, 1] as Q0.31. */
function reciprocalOfHalfSum(x: number): number {
  const half = Math.trunc((x + one + 1) / 2);
  let y = 1515870810 + mulHigh(half, -1010580540);
  for (let i = 0; i < 3; i++) {
    const rest = (1 << 29) - mulHigh(half, y);
    y += saturatingShiftLeft(mulHigh(y, rest), 2);
  }
  return y;
}

/** 1 / (1 + x), Q0.31 in and out. */
export const oneOverOnePlus = (x: number): number => saturatingShiftLeft(reciprocalOfHalfSum(x), 1);

/** 1 / (1 + exp(-a)), a in Q4.27, Q0.31 out. */
export function logistic(a: number): number {
  if (a === 0) return 1 << 30;
  const positive = oneOverOnePlus(expOnNegative(-Math.abs(a), 4));
  return a > 0 ? positive : one - positive;
}

/** tanh(a), a in Q4.27, Q0.31 out. */
export function tanh(a: number): number {
  if (a === 0) return 0;
  const e = expOnNegative(-Math.abs(a), 5); // the same raw value read as Q5.26 is 2a
  const t = saturatingShiftLeft(reciprocalOfHalfSum(e) - (1 << 29), 2);
  return a < 0 ? -t : t;
}

/**
 * Returns 1 / sqrt(e 2^(2 halfShift) / 2^64) in Q30, where 2 halfShift is the largest even shift that keeps e
 * within 64 bits.
 *
 * Four Newton-Raphson steps y (3 - x y^2) / 2 start from 2.13277 - 1.21875 x, which is within 8.6 % of
 * 1 / sqrt(x) for x in [1/4, 1). A step leaves 1.5 times the square of the error. Every product is truncated;
 * the truncation error stays below 2^-27.
 * @param e in [1, 2^64)
 */
export function reciprocalRoot(e: bigint): { root: bigint; halfShift: number } {
  const shift = (64 - e.toString(2).length) & 62;
  const x = (e << BigInt(shift)) >> 32n;
  let y = 2290045353n - ((x * 39n) >> 7n);
  for (let i = 0; i < 4; i++) y = (y * ((3n << 30n) - ((((y * y) >> 30n) * x) >> 32n))) >> 31n;
  return { root: y, halfShift: shift / 2 };
}
