/**
 * Requantisation in float32 that is bit-equal to the integer rule, with two roundings or one: found by
 * search, proved for each channel. Helpers only, no operator.
 *
 * In: a layer's multipliers, shifts and clamp, and the largest |sum + bias| of each output.  Out: tables of
 * assembly/kernels/mac-simd.ts, or undefined if there are none.
 *
 * output = zero point + R + floor(round to halves(f32(f32(f32(sum - c) * a) + b))),  c integer, a and b
 * float32
 *
 * Neither this nor the integer rule ever falls when the sum grows. So they are equal for all sums if they are
 * equal at the two sums next to each of the at most 255 steps of the rule, and at the ends. The search checks
 * that with the roundings of IEEE 754. Rounding to halves (the last bit of 1.5 * 2^22 + x) and then down has
 * its steps at n - 1/4. A tie there goes up for every n, odd or even. b is a multiple of 2^-17, so that
 * adding it hardly ever rounds; c supplies the bits that b lacks. The integer rule rounds ties away from
 * zero, so its steps below zero lie 2^shift further right than those above. If the clamp begins at the zero
 * point, as with ReLU, there are only steps above; if sums are rounded once, all ties go up. Otherwise c
 * stays near 0, R is 0, and b is smaller by about 2^shift for sum < c.
 */
import { exponentOf, isOnce, requantise } from '../../../quant/fixed-point.ts';
import type { MacParams } from '../../../quant/ops/op.ts';

/** Parameters of a layer that turn sums into outputs. The bias is part of a sum. */
export type Finish = Pick<MacParams, 'multiplier' | 'shift' | 'bias' | 'yZero' | 'min' | 'max'>;

export interface FloatTables {
  /** bias - c. */
  start: Int32Array;
  scale: Float32Array;
  offset: Float32Array;
  /** Added to the offset of sums below 0. Undefined if no output is below the zero point. */
  below?: Float32Array;
  /**
   * Subtracted by the kernel from the bits of 1.5 * 2^22 + x: the bits of 1.5 * 2^22, less 2 * (zero point +
   * R).
   */
  zero: number;
}

interface Channel {
  c: number;
  a: number;
  b: number;
  below: number;
}

const f32 = Math.fround;
/** 1.5 * 2^22, whose last bit is worth a half, and its bits. */
const magic = 6291456;
export const magicBits = 0x4ac00000;
const clamp = (x: number, { min, max }: Finish) => Math.min(max, Math.max(min, x));

/** Returns 0, 1, -1, 2, -2, ..., n, -n. */
const near = (n: number): number[] => [0, ...Array.from({ length: n }, (_, i) => [i + 1, -i - 1]).flat()];
const centres = near(300);
const scales = near(1);
const offsets = near(2);

/**
 * Returns the sums next to the steps of output o, those closest to a step first, then the ends. A multiplier
 * of 0, which a scale near zero gives, has no steps.
 */
export function besideSteps(p: Finish, o: number, largest: number): number[] {
  const [multiplier, shift] = [p.multiplier[o] as number, p.shift[o] as number];
  if (multiplier === 0) return [-largest, largest];
  const sigma = multiplier * 2 ** (exponentOf(shift) - 31);
  const early = isOnce(shift) ? 0 : 2 ** 30 / multiplier;
  const steps: { sum: number; slack: number }[] = [];
  for (let step = p.min + 1 - p.yZero; step <= p.max - p.yZero; step++) {
    const real = (step - 0.5) / sigma - Math.sign(step - 0.5) * early;
    if (Math.abs(real) > largest + 2) continue;
    let sum = Math.ceil(real);
    while (requantise(sum - 1, multiplier, shift) >= step) sum--;
    while (requantise(sum, multiplier, shift) < step) sum++;
    steps.push({ sum, slack: Math.abs(sum - real) }, { sum: sum - 1, slack: Math.abs(real - sum + 1) });
  }
  const inside = steps.filter(({ sum }) => Math.abs(sum) <= largest).sort((x, y) => x.slack - y.slack);
  return [...inside.map(({ sum }) => sum), -largest, largest];
}

function channel(p: Finish, o: number, largest: number, middle: number, signed: boolean): Channel | undefined {
  const [multiplier, shift] = [p.multiplier[o] as number, p.shift[o] as number];
  const sigma = multiplier * 2 ** (exponentOf(shift) - 31);
  const centre = Math.round(middle / sigma);
  // beyond this, 1.5 * 2^22 + x has no halves, or the sum overflows
  if (sigma === 0 || Math.abs(centre) + largest >= 2 ** 30 || (Math.abs(centre) + largest) * sigma >= 2 ** 20) return undefined;
  const sums = besideSteps(p, o, largest).map((sum) => ({ sum, wanted: clamp(p.yZero + requantise(sum, multiplier, shift), p) }));
  const ulp = 2 ** (Math.floor(Math.log2(sigma)) - 23);
  for (const away of centres)
    for (const k of scales) {
      const [c, a] = [centre + away, f32(f32(sigma) + k * ulp)];
      /** Returns a multiple of 2^-17 near `exact` that gives the right output for all sums of `part`. */
      const offset = (exact: number, part: typeof sums) =>
        offsets
          .map((j) => f32((Math.round(exact * 2 ** 17) + j) * 2 ** -17))
          .find((b) => part.every(({ sum, wanted }) => outputOf(p, middle, f32(f32(f32(sum - c) * a) + b)) === wanted));
      const exact = (isOnce(shift) ? 0 : 2 ** (shift - 1)) + c * a - middle + 0.25;
      const b = offset(exact, signed ? sums.filter(({ sum }) => sum >= c) : sums);
      if (b === undefined) continue;
      if (!signed) return { c, a, b, below: 0 };
      const less = offset(
        exact - 2 ** shift,
        sums.filter(({ sum }) => sum < c),
      );
      if (less !== undefined && less <= b && f32(b + f32(less - b)) === less) return { c, a, b, below: f32(less - b) };
    }
  return undefined;
}

/** Rounds x to halves, then down. */
const outputOf = (p: Finish, middle: number, x: number): number =>
  clamp(p.yZero + middle + Math.floor(f32(magic + x) - magic), p);

const cache = new WeakMap<Finish, FloatTables | 'none'>();

/** Returns the tables, from a cache. @param largest the largest |sum + bias| of output o, below 2^30 */
export function floatTables(p: Finish, largest: (o: number) => number): FloatTables | undefined {
  const before = cache.get(p);
  if (before) return before === 'none' ? undefined : before;
  const found = search(p, largest);
  cache.set(p, found ?? 'none');
  return found;
}

function search(p: Finish, largest: (o: number) => number): FloatTables | undefined {
  const exponents = p.shift.map(exponentOf);
  if (exponents.some((exponent) => exponent > -1 || exponent < -31)) return undefined;
  const signed = p.min < p.yZero && !p.shift.some(isOnce);
  const middle = signed ? 0 : Math.round((p.min + p.max) / 2) - p.yZero;
  const channels: Channel[] = [];
  for (let o = 0; o < p.bias.length; o++) {
    const one = channel(p, o, largest(o), middle, signed);
    if (!one) return undefined;
    channels.push(one);
  }
  return {
    start: p.bias.map((bias, o) => bias - (channels[o] as Channel).c),
    scale: Float32Array.from(channels, ({ a }) => a),
    offset: Float32Array.from(channels, ({ b }) => b),
    ...(signed && { below: Float32Array.from(channels, ({ below }) => below) }),
    zero: magicBits - 2 * (p.yZero + middle),
  };
}
