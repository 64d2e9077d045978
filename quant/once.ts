/**
 * onceMultipliers: LiteRT's FULLY_CONNECTED as one multiplication, one half added and one shift, proved equal
 * for every sum that an output can have.
 *
 * In: the real multiplier e of each output, its largest |sum|, how many steps outputs may lie from the zero
 * point.  Out: multipliers m and right shifts k.
 * Rule: round(sum * e), halves away from zero, the product a double (FullyConnected with scales in the
 * reference kernels of ai-edge-litert 2.3.0).
 *
 * T(n) is the smallest sum whose product reaches n - 1/2. floor((sum * m + 2^(k-1)) / 2^k) equals the rule,
 * for negative sums too, if for every n T(n) * m > (n - 1/2) * 2^k   and   (T(n) - 1) * m < (n - 1/2) * 2^k.
 * Of int8 m has 31 bits. Of int16, with 256 times as many steps, it has all 53 of e, in two words. Cost: the
 * steps of each output, at build time.
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
  /** Most steps of an output away from its zero point. */
  steps: number;
  /** Of int16: multipliers of 53 bits. */
  wide: boolean;
  /** The layer's name. */
  where: string;
}

export interface OnceMultipliers {
  multiplier: Int32Array;
  shift: Int32Array;
  low?: Int32Array;
}

/** A sum that must reach step n - 1/2, or must not. */
interface Edge {
  sum: number;
  step: number;
  reaches: boolean;
}

/** Multipliers that are tried, away from the nearest. */
const tried = [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6];

/** The sums beside a step so close to it that multipliers of `bits` bits may fall on either side. */
function closeEdges(real: number, largest: number, steps: number, bits: number): Edge[] {
  // a multiplier that is tried is off by less than 7 of 2^(bits - 1), a double product by 2^-53 of itself
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

/** A multiplier of 0, and a shift that every kernel takes. */
const zero = (bits: number) => ({ m: 0, right: bits === 31 ? 32 : lowBits + 1 });

function multiplierOf(real: number, largest: number, steps: number, bits: number): { m: number; right: number } | undefined {
  // every product is below a half
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

/** @throws RunletError RN444 where no multiplier does */
export function onceMultipliers({ reals, largest, steps, wide, where }: OnceOptions): OnceMultipliers {
  const outputs = reals.length;
  const [multiplier, shift, low] = [new Int32Array(outputs), new Int32Array(outputs), new Int32Array(outputs)];
  const fail = (what: string, why: string) =>
    new RunletError('RN444', { what, where, why, tryThis: '--rounding tflm, which is TensorFlow Lite Micro' });
  for (let o = 0; o < outputs; o++) {
    const [real, most] = [reals[o] as number, largest[o] as number];
    if (!(real >= 0 && real * most < 2 ** 30) || most >= 2 ** (wide ? 35 : 31))
      throw fail(`output ${o} has sums of up to ${most}, times ${real}`, 'LiteRT has no defined result for sums this large');
    const found = multiplierOf(real, most, steps, wide ? 53 : 31);
    if (!found) throw fail(`output ${o} has sums of up to ${most}`, 'no multiplier rounds all of them as LiteRT does');
    multiplier[o] = wide ? Math.floor(found.m / 2 ** lowBits) : found.m;
    low[o] = wide ? found.m % 2 ** lowBits : 0;
    shift[o] = ONCE + found.right - (wide ? lowBits : 0);
  }
  return { multiplier, shift, ...(wide && { low }) };
}
