/**
 * ADWIN: a window over a stream of errors that drops its older part when the newer one differs.
 *
 * In: values from 0 to 1, one by one.  Out: whether the mean has changed with this value, and the window's
 * mean and length.
 * Rule: for each way to cut the window in two, the means are compared with the bound of the source (section
 * 3.2, with the variance and delta / ln n). If the mean stays the same, a value is taken for a change with a
 * probability of about `delta` or less, whatever the distribution. The proof of the source needs delta / n;
 * it uses ln n in practice, because neighbouring cuts nearly agree.
 * Memory: at most 6 buckets per power of two: values are kept as sums.  Cost of a value: O(log n).
 * Source: Bifet and Gavalda, Learning from Time-Changing Data with Adaptive Windowing, SDM 2007.
 */

interface Bucket {
  count: number;
  sum: number;
  /** Sum of squared distances from the bucket's mean. */
  spread: number;
}

/** Buckets of a size before two of them are merged: M of the source. */
const perSize = 5;
/** Smallest part of a cut, and the number of values that are taken before the first test. Choices. */
const minPart = 5;

function merged(a: Bucket, b: Bucket): Bucket {
  const count = a.count + b.count;
  const between = ((a.sum / a.count - b.sum / b.count) ** 2 * a.count * b.count) / count;
  return { count, sum: a.sum + b.sum, spread: a.spread + b.spread + between };
}

const none: Bucket = { count: 0, sum: 0, spread: 0 };
const joined = (a: Bucket, b: Bucket): Bucket => (a.count === 0 ? b : b.count === 0 ? a : merged(a, b));

export class Adwin {
  readonly delta: number;
  /** Buckets, the oldest and largest first. */
  #buckets: Bucket[] = [];

  /** @param delta probability of a false change at one value, above 0 and below 1. */
  constructor(delta: number) {
    if (!(delta > 0 && delta < 1)) throw new RangeError(`delta is above 0 and below 1, not ${delta}`);
    this.delta = delta;
  }

  get #all(): Bucket {
    return this.#buckets.reduce(joined, none);
  }

  get length(): number {
    return this.#all.count;
  }

  /** Mean of the window; NaN if it is empty. */
  get mean(): number {
    const { sum, count } = this.#all;
    return sum / count;
  }

  /** Number of sums that are kept. */
  get buckets(): number {
    return this.#buckets.length;
  }

  /**
   * Takes a value, clipped to [0, 1].
   * @returns how much the mean has changed: positive if it rose, 0 if it has not
   */
  see(value: number): number {
    if (Number.isNaN(value)) return 0;
    this.#buckets.push({ count: 1, sum: Math.min(1, Math.max(0, value)), spread: 0 });
    this.#compress();
    let change = 0;
    for (let found = this.#cut(); found !== 0; found = this.#cut()) change = found;
    return change;
  }

  #compress(): void {
    let to = this.#buckets.length;
    for (let size = 1; to > 0; size *= 2) {
      let from = to;
      while (from > 0 && (this.#buckets[from - 1] as Bucket).count === size) from--;
      if (to - from <= perSize) return;
      const [a, b] = this.#buckets.splice(from, 2) as [Bucket, Bucket];
      this.#buckets.splice(from, 0, merged(a, b));
      to = from + 1;
    }
  }

  /** Drops the oldest bucket if two parts of the window differ. @returns newer less older mean, or 0 */
  #cut(): number {
    const all = this.#all;
    const variance = all.spread / Math.max(1, all.count);
    const strictness = Math.log((2 * Math.log(Math.max(2, all.count))) / this.delta);
    let old = none;
    for (const bucket of this.#buckets) {
      old = joined(old, bucket);
      const young = all.count - old.count;
      if (old.count < minPart || young < minPart) continue;
      const harmonic = 1 / (1 / old.count + 1 / young);
      const bound = Math.sqrt((2 / harmonic) * variance * strictness) + (2 / (3 * harmonic)) * strictness;
      const difference = (all.sum - old.sum) / young - old.sum / old.count;
      if (Math.abs(difference) <= bound) continue;
      this.#buckets.shift();
      return difference;
    }
    return 0;
  }
}
