/**
 * exp, 1 / (1 + x), the logistic function and tanh in the fixed-point arithmetic of gemmlowp.
 *
 * In: raw int32 with the number of integer bits in the name (Q0: none).  Out: raw Q0. Source: gemmlowp
 * fixedpoint.h.
 */
import { highMul, shiftRight, timesPower } from './fixed.ts';

const one = 2 ** 31 - 1;

/** Returns exp(a) for a in [-1/4, 0), Q0, by a Taylor series around -1/8. */
function expOnQuarter(a: number): number {
  const constant = 1895147668;
  const third = 715827883;
  const x = a + 2 ** 28;
  const x2 = highMul(x, x);
  const x3 = highMul(x2, x);
  const x4 = highMul(x2, x2);
  const tail = shiftRight(highMul(shiftRight(x4, 2) + x3, third) + x2, 1);
  return constant + highMul(constant, x + tail);
}

const factors: readonly (readonly [exponent: number, factor: number])[] = [
  [-2, 1672461947],
  [-1, 1302514674],
  [0, 790015084],
  [1, 290630308],
  [2, 39332535],
  [3, 720401],
  [4, 242],
];

/** Returns exp(a) for a <= 0 with `integerBits` integer bits (at most 5). */
export function expOnNegative(a: number, integerBits: number): number {
  if (a === 0) return one;
  const fractionalBits = 31 - integerBits;
  const quarter = 2 ** (fractionalBits - 2);
  const inQuarter = (a & (quarter - 1)) - quarter;
  let result = expOnQuarter(timesPower(inQuarter, integerBits));
  const rest = inQuarter - a;
  for (const [exponent, factor] of factors) {
    if (integerBits <= exponent) continue;
    if (rest & (2 ** (fractionalBits + exponent))) result = highMul(result, factor);
  }
  return result;
}

/** Approximates 2 / (1 + a), Q2, by Newton's steps, for a in [0, 1), Q0. */
function reciprocalQ2(a: number): number {
  const sum = a + one;
  const half = Math.trunc((sum + (sum >= 0 ? 1 : -1)) / 2);
  let x = 1515870810 + highMul(half, -1010580540);
  for (let step = 0; step < 3; step++) {
    const error = 2 ** 29 - highMul(half, x);
    x += timesPower(highMul(x, error), 2);
  }
  return x;
}

/** Returns 1 / (1 + a). */
export const oneOverOnePlus = (a: number): number => timesPower(reciprocalQ2(a), 1);

/** Returns the logistic function of a, Q4. */
export function logistic(a: number): number {
  if (a === 0) return 2 ** 30;
  const positive = oneOverOnePlus(expOnNegative(-Math.abs(a), 4));
  return a > 0 ? positive : one - positive;
}

/** Returns tanh of a, Q4, as (1 - e) / (1 + e) with e = exp(-2 |a|). */
export function tanh(a: number): number {
  if (a === 0) return 0;
  const e = expOnNegative(-Math.abs(a), 5);
  const t = timesPower(reciprocalQ2(e) - 2 ** 29, 2);
  return a > 0 ? t : -t;
}
