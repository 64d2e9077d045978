/**
 * Cause: names why a signal left its reference, as far as the features of its channels can tell.
 *
 * In: features of the latest blocks (medians), the reference.  Out: a cause and its channels.
 * Rules, in order:
 *
 *     dead        a channel hardly moves: its deviation is under a twentieth, or its values repeat
 *     saturation  many values are equal to the largest or the smallest one
 *     swapped     two channels of an input each look as the other one did
 *     rate        the steps in time changed on at least half of the channels, and scale and mean did not; it
 *                 is the rate of all channels
 *     noise       the energy of the steps rose as white noise does, also in quiet stretches
 *     gain        scale and floor changed by the same factor, the steps relative to them and the skew did not
 *     offset      the mean changed, scale, steps and skew did not
 *     other       anything else, such as another person
 *
 * The energy that white noise of variance v adds is 2 v to first differences and 6 v to second ones.
 */
import { at, type Feature, features } from './meter.ts';
import type { Reference } from './reference.ts';

export const causes = ['dead', 'saturation', 'swapped', 'rate', 'noise', 'gain', 'offset', 'other'] as const;
export type Cause = (typeof causes)[number];

interface Named {
  cause: Cause;
  /** Indexes of the channels that show it; none if only outputs changed. */
  channels: number[];
}

/** Choices: logarithms of factors, and shares. */
const deadFactor = Math.log(1 / 20);
const [flatDead, sameFactor, spareFactor] = [0.95, 0.25, 0.15];

/** One channel, now and in the reference. */
class Channel {
  #now: ArrayLike<number>;
  #reference: Reference;
  #from: number;

  constructor(now: ArrayLike<number>, reference: Reference, channel: number) {
    this.#now = now;
    this.#reference = reference;
    this.#from = channel * features.length;
  }

  now = (name: Feature): number => this.#now[this.#from + at[name]] as number;
  before = (name: Feature): number => this.#reference.limits[this.#from + at[name]]?.middle as number;
  change = (name: Feature): number => this.now(name) - this.before(name);

  /** Side of the limits on which a feature lies, -1, 0 or 1. @param value by default that of now */
  side(name: Feature, value = this.now(name)): number {
    const { low, high } = this.#reference.limits[this.#from + at[name]] as Reference['limits'][number];
    return high !== null && value > high ? 1 : low !== null && value < low ? -1 : 0;
  }

  /** Distance of a value from the middle of a feature, in widths of its limits on that side. */
  distance(name: Feature, value: number): number {
    const { low, middle, high } = this.#reference.limits[this.#from + at[name]] as Reference['limits'][number];
    const width = value > middle ? (high as number) - middle : middle - (low as number);
    return Math.abs(value - middle) / Math.max(width, 1e-12);
  }

  get moved(): boolean {
    return features.some((name) => this.side(name) !== 0);
  }

  get dead(): boolean {
    return this.change('scale') < deadFactor || (this.now('flat') > flatDead && this.side('flat') > 0);
  }

  /** Energy of first or second differences. */
  #energy(of: (name: Feature) => number, second: boolean): number {
    return Math.exp(2 * of('scale') + of('rough') + (second ? of('slope') : 0));
  }

  get noisy(): boolean {
    const first = this.#energy(this.now, false) - this.#energy(this.before, false);
    const second = this.#energy(this.now, true) - this.#energy(this.before, true);
    if (!(this.side('floor') > 0 && first > 0 && second / first > 2)) return false;
    // that much noise would show in the deviation, but does not
    const louder = this.before('scale') + 0.5 * Math.log1p(first / 2 / Math.exp(2 * this.before('scale')));
    if (this.side('scale', louder) > 0 && this.side('scale') <= 0) return false;
    // the 20 % quantile of |N(0, 6 v)| is 0.2533 sqrt(6 v); half of it must be there
    const expected = 0.2533 * Math.sqrt(3 * first);
    const floor = Math.exp(2 * this.now('floor')) - Math.exp(2 * this.before('floor'));
    return floor > 0.25 * expected ** 2 && this.change('floor') > this.change('scale') + spareFactor;
  }

  get gained(): boolean {
    const same =
      Math.abs(this.change('floor') - this.change('scale')) < Math.max(sameFactor, 0.3 * Math.abs(this.change('scale')));
    const isSame = (['rough', 'slope', 'skew'] as const).every((name) => this.side(name) === 0);
    return this.side('scale') !== 0 && same && isSame;
  }

  get shifted(): boolean {
    const isSame = (['scale', 'rough', 'floor', 'skew'] as const).every((name) => this.side(name) === 0);
    return this.side('mean') !== 0 && isSame;
  }

  /** Direction in which the steps in time changed, if mean and scale did not; else 0. */
  get hastened(): number {
    const direction = this.side('rough');
    const isCalm = this.side('mean') === 0 && this.side('scale') === 0;
    return isCalm && this.side('crossings') !== -direction ? direction : 0;
  }
}

const compared: Feature[] = ['mean', 'scale', 'floor', 'rough', 'slope', 'crossings'];

/** Returns the pair of channels of one input that look exchanged, if there is one. */
function swappedOf(all: readonly Channel[], inputs: readonly number[]): number[] | undefined {
  let best: { pair: number[]; saved: number } | undefined;
  const apart = (seen: Channel, as: Channel) =>
    compared.reduce((most, name) => Math.max(most, as.distance(name, seen.now(name))), 0);
  let from = 0;
  for (const elements of inputs) {
    for (let i = from; i < from + elements; i++)
      for (let j = i + 1; j < from + elements; j++) {
        const [a, b] = [all[i] as Channel, all[j] as Channel];
        if (!a.moved && !b.moved) continue;
        const kept = Math.max(apart(a, a), apart(b, b));
        const exchanged = Math.max(apart(a, b), apart(b, a));
        if (exchanged < 1.25 && kept > 1.25 * exchanged && kept > (best?.saved ?? 0)) best = { pair: [i, j], saved: kept };
      }
    from += elements;
  }
  return best?.pair;
}

/**
 * Names the cause.
 * @param now features [channel][feature]. @param inputs number of channels of each input.
 */
export function causeOf(now: ArrayLike<number>, reference: Reference, inputs: readonly number[]): Named {
  const all = Array.from({ length: reference.channels }, (_, i) => new Channel(now, reference, i));
  const those = (is: (one: Channel) => boolean) => all.flatMap((one, i) => (is(one) ? [i] : []));
  const moved = those((one) => one.moved);
  const named = (cause: Cause, channels: number[]): Named => ({ cause, channels });
  const dead = those((one) => one.dead);
  if (dead.length > 0) return named('dead', dead);
  const full = those((one) => one.side('ends') > 0);
  if (full.length > 0) return named('saturation', full);
  const swapped = swappedOf(all, inputs);
  if (swapped) return named('swapped', swapped);
  const hastened = those((one) => one.hastened !== 0);
  const noisy = those((one) => one.noisy);
  const directions = new Set(hastened.map((i) => all[i]?.hastened));
  if (hastened.length > 0 && noisy.length === 0 && directions.size === 1 && 2 * hastened.length >= all.length)
    return named('rate', Array.from(all.keys()));
  if (2 * noisy.length >= moved.length && noisy.length > 0) return named('noise', noisy);
  const gained = those((one) => one.gained);
  if (gained.length > 0 && 2 * gained.length >= moved.length) return named('gain', gained);
  const shifted = those((one) => one.shifted);
  if (shifted.length > 0 && 2 * shifted.length >= moved.length) return named('offset', shifted);
  return named('other', moved);
}
