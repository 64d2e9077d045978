/**
 * onceMultipliers: finds integer multipliers with which one multiplication, one addition and one shift equal
 * LiteRT's FULLY_CONNECTED. The equality is proved for every sum that an output can have.
 *
 * In: the real multiplier e of each output, its largest |sum|, the largest distance of an output from its
 * zero point in steps.  Out: multipliers m and right shifts k.
 * Rule: round(sum * e), halves away from zero, where the product is a double (FullyConnected with scales in
 * the reference kernels of ai-edge-litert 2.3.0).
 *
 * T(n) is the smallest sum whose product reaches n - 1/2. floor((sum * m + 2^(k-1)) / 2^k) equals the rule,
 * also for negative sums, if every n has T(n) * m > (n - 1/2) * 2^k and (T(n) - 1) * m < (n - 1/2) * 2^k.
 * For int8, m has 31 bits. For int16, which has 256 times as many steps, m has all 53 bits of e in two words.
 * Cost: one test for each step of each output, at build time.
 */
import { RunletError } from '../models/error.ts';
import { frexp, ONCE } from './fixed-point.ts';

/** Bits of a multiplier's lower word. */
export const lowBits = 26;

export interface OnceOptions {
  /** Real multipliers, [o]. */
  reals: Float64Array;
  /** Largest |sum + bias|, [o]. */
  largest: Float64Array;
  /** Largest distance of an output from its zero point, in steps. */
  steps: number;
  /** True for int16: multipliers have 53 bits. */
  wide: boolean;
  /** The layer's name. */
  where: string;
}

export interface OnceMultipliers {
  multiplier: Int32Array;
  shift: Int32Array;
  low?: Int32Array;
}

/** A sum whose scaled value must reach step - 1/2 (`reaches`), or must stay below it. */
interface Edge {
  sum: number;
  step: number;
  reaches: boolean;
}

/** Offsets from the nearest multiplier, in the order in which they are tried. */
const tried = [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6];

/** Returns the sums so close to a rounding threshold that a multiplier of `bits` bits may miss it. */
function closeEdges(real: number, largest: number, steps: number, bits: number): Edge[] {
  // relative errors: below 7 / 2^(bits - 1) for a multiplier that is tried, 2^-53 for a product of doubles
  const near = 2 ** (4 - bits);
  const found: Edge[] = [];
  for (let step = 1; step <= steps; step++) {
    const half = step - 0.5;
    let sum = Math.max(1, Math.ceil(half / real));
    while (sum > 1 && (sum - 1) * real >= half) sum--;
    while (sum * real < half) sum++;
    const inside = sum <= largest;
    if (inside && sum * real - half <= half * near) found.push({ sum, step, reaches: true });
    const before = inside ? sum - 1 : largest;
    if (half - before * real <= half * near) found.push({ sum: before, step, reaches: false });
    if (!inside) break;
  }
  return found;
}

/** A multiplier of 0, with a shift that every kernel accepts. */
const zero = (bits: number) => ({ m: 0, right: bits === 31 ? 32 : lowBits + 1 });

function multiplierOf(real: number, largest: number, steps: number, bits: number): { m: number; right: number } | undefined {
  // every product rounds to 0
  if (real * largest < 0.25) return zero(bits);
  const { fraction, exponent } = frexp(real);
  const right = bits - exponent;
  const edges = closeEdges(real, largest, steps, bits);
  const holds = (m: number) =>
    edges.every(({ sum, step, reaches }) => {
      const difference = 2n * BigInt(sum) * BigInt(m) - (BigInt(2 * step - 1) << BigInt(right));
      return reaches ? difference > 0n : difference < 0n;
    });
  const nearest = Math.round(fraction * 2 ** bits);
  const m = tried.map((away) => nearest + away).find((m) => m >= 2 ** (bits - 1) && m < 2 ** bits && holds(m));
  return m === undefined ? undefined : { m, right };
}

/** @throws RunletError RN444 if no multiplier rounds all sums of an output as LiteRT does */
export function onceMultipliers({ reals, largest, steps, wide, where }: OnceOptions): OnceMultipliers {
  const outputs = reals.length;
  const [multiplier, shift, low] = [new Int32Array(outputs), new Int32Array(outputs), new Int32Array(outputs)];
  const fail = (what: string, why: string) =>
    new RunletError('RN444', { what, where, why, tryThis: '--rounding tflm, which is TensorFlow Lite Micro' });
  for (let o = 0; o < outputs; o++) {
    const [real, maxSum] = [reals[o] as number, largest[o] as number];
    if (!(real >= 0 && real * maxSum < 2 ** 30) || maxSum >= 2 ** (wide ? 35 : 31))
      throw fail(`output ${o} has sums of up to ${maxSum}, times ${real}`, 'LiteRT has no defined result for sums this large');
    const found = multiplierOf(real, maxSum, steps, wide ? 53 : 31);
    if (!found) throw fail(`output ${o} has sums of up to ${maxSum}`, 'no multiplier rounds all of them as LiteRT does');
    multiplier[o] = wide ? Math.floor(found.m / 2 ** lowBits) : found.m;
    low[o] = wide ? found.m % 2 ** lowBits : 0;
    shift[o] = ONCE + found.right - (wide ? lowBits : 0);
  }
  return { multiplier, shift, ...(wide && { low }) };
}
