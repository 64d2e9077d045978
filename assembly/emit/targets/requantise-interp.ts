/**
 * interp: bias, multiplier and shift of a layer as two numbers per output, proved for each channel. Helpers
 * only, no operator.
 *
 * In: MacParams, the largest |sum + bias| of each output.  Out: the table of
 * assembly/kernels/finish-interp.ts, or undefined if there is none.
 *
 * m = twice the multiplier, k = bias * m + 2^31 + round * 2^(32 + s),  output = (sum * m + k) >> (33 + s),  s
 * = -1 - shift, round = 2 * zero point + 1
 *
 * This is TensorFlow Lite's rule for sums that round upwards, because nested floors are one floor. Outputs
 * below the zero point round the other way. A layer that has such outputs does the second rounding
 * separately: k is without round, and the shift is s. The shift is stored in k's last six bits, the only ones
 * that shifts of WebAssembly use. That changes k by less than 64, of 2^33 or more. If sums are rounded once,
 * k is without 2^31, and all outputs round upwards. Neither this nor the rule ever falls when a sum grows, so
 * they are equal for all sums if they are equal next to each step of the rule and at the ends.
 */
import { clampInt, exponentOf, isOnce, requantise } from '../../../quant/fixed-point.ts';
import type { MacParams } from '../../../quant/ops/op.ts';
import { besideSteps } from './requantise-f32.ts';
import { roundingZero } from './requantise-simd.ts';

/** Words of 32 bits per output: k, low and high, then m. */
export const scaleWords = 3;
/** Largest s. With a larger one k does not fit 64 bits. */
const maxShift = 20;
const low16 = 2 ** 16;

type Rounds = Pick<MacParams, 'min' | 'yZero' | 'shift'>;

const roundsOnce = ({ shift }: Rounds): boolean => shift.some(isOnce);

/** Checks for outputs below the zero point, which round the other way. */
export const isSigned = (p: Rounds): boolean => p.min < p.yZero && !roundsOnce(p);

/** Returns y_zero of the kernel, which rounds outputs below half of it the other way. */
export const interpZero = (p: Rounds): number => roundingZero(roundsOnce(p) ? { yZero: p.min } : p);

/**
 * Returns the kernel's output as a function of x = sum + bias. `added` is k less bias * m. Computes in parts
 * of 16 bits, which doubles hold exactly.
 */
function outputOf(p: MacParams, signed: boolean, m: number, added: bigint, s: number): (x: number) => number {
  const mHigh = Math.floor(m / low16);
  const mLow = m - mHigh * low16;
  const [addedLow, addedHigh] = [Number(added & 0xffffn), Number(added >> 16n)];
  const zero = roundingZero(p);
  return (x) => {
    const upper = x * mHigh + addedHigh + Math.floor((x * mLow + addedLow) / low16);
    const v = Math.floor(upper / low16);
    const scaled = signed ? Math.floor((Math.floor((v < 0 ? v - 1 : v) / 2 ** s) + zero) / 2) : Math.floor(v / 2 ** (1 + s));
    return clampInt(scaled, p.min, p.max);
  };
}

/** Returns k of output o; undefined if no k is exact. `bias` includes the zero point of the input. */
function constant(p: MacParams, signed: boolean, o: number, bias: number, largest: number): bigint | undefined {
  const [multiplier, shift] = [p.multiplier[o] as number, p.shift[o] as number];
  const s = -1 - exponentOf(shift);
  const m = 2 * multiplier;
  const first = isOnce(shift) ? 0n : 2n ** 31n;
  const rounding = first + (signed ? 0n : BigInt(roundingZero(p)) << BigInt(32 + s));
  const exact = BigInt(bias) * BigInt(m) + rounding;
  const last = BigInt(signed ? s : 33 + s);
  const sums = besideSteps(p, o, largest).map((x) => ({
    x,
    wanted: clampInt(p.yZero + requantise(x, multiplier, shift), p.min, p.max),
  }));
  const fits = (k: bigint) => {
    const output = outputOf(p, signed, m, rounding + k - exact, s);
    return sums.every(({ x, wanted }) => output(x) === wanted);
  };
  return [0n, 64n, -64n].map((more) => exact - (exact & 63n) + last + more).find(fits);
}

const cache = new WeakMap<MacParams, Int32Array | 'none'>();

/**
 * Returns the table, i32 [outputs][scaleWords], from a cache. @param largest the largest |sum + bias| of
 * output o @param folded bias of output o that includes the zero point of the input
 */
export function scaleTable(p: MacParams, largest: (o: number) => number, folded: (o: number) => number): Int32Array | undefined {
  const before = cache.get(p);
  if (before) return before === 'none' ? undefined : before;
  const found = search(p, largest, folded);
  cache.set(p, found ?? 'none');
  return found;
}

function search(p: MacParams, largest: (o: number) => number, folded: (o: number) => number): Int32Array | undefined {
  const table = new Int32Array(scaleWords * p.bias.length);
  const signed = isSigned(p);
  for (let o = 0; o < p.bias.length; o++) {
    const [shift, bound] = [exponentOf(p.shift[o] as number), largest(o)];
    if (shift > -1 || shift < -1 - maxShift || bound >= 2 ** 30) return undefined;
    const k = constant(p, signed, o, folded(o), bound);
    if (k === undefined) return undefined;
    table.set(
      [Number(BigInt.asIntN(32, k)), Number(BigInt.asIntN(32, k >> 32n)), (p.multiplier[o] as number) << 1],
      scaleWords * o,
    );
  }
  return table;
}
