/**
 * Histogram of all values of a tensor. Its range doubles when a larger value comes.
 *
 * In: blocks of float values.  Out: counts of 4,096 bins over [-reach, reach), the exact extremes, and the
 * number of values that are exactly 0. reach is a power of two. Doubling merges pairs of bins into the middle
 * half, so the counts do not depend on the order of the blocks. Zeros are counted separately, because int8
 * holds 0 exactly and they cause no error.
 */
export const bins = 4096;

export class Histogram {
  counts: Float64Array = new Float64Array(bins);
  reach = 0;
  low = 0;
  high = 0;
  zeros = 0;
  /** Number of values, zeros included. */
  count = 0;

  /** @param weights weight of a value of each channel, [c]. Default: 1 */
  add(values: Float32Array, weights?: Float64Array): void {
    let largest = 0;
    for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i] as number));
    this.count += values.length;
    if (largest === 0) {
      this.zeros += values.length;
      return;
    }
    if (this.reach === 0) this.reach = 2 ** (Math.floor(Math.log2(largest)) + 1);
    while (this.reach <= largest) this.widen();
    const scale = bins / (2 * this.reach);
    const channels = weights?.length ?? 1;
    for (let i = 0; i < values.length; i++) {
      const v = values[i] as number;
      if (v === 0) {
        this.zeros++;
        continue;
      }
      // computed from 0 outwards, so that a small value does not round across 0 if reach is large
      const out = Math.floor(Math.abs(v) * scale);
      const bin = v > 0 ? bins / 2 + out : bins / 2 - 1 - out;
      this.counts[bin] = (this.counts[bin] as number) + (weights ? (weights[i % channels] as number) : 1);
      if (v < this.low) this.low = v;
      if (v > this.high) this.high = v;
    }
  }

  /** Adds all values of another histogram. */
  merge(other: Histogram): void {
    this.count += other.count;
    this.zeros += other.zeros;
    if (other.reach === 0) return;
    if (this.reach === 0) this.reach = other.reach;
    while (this.reach < other.reach) this.widen();
    let { counts }: { counts: Float64Array } = other;
    for (let reach = other.reach; reach < this.reach; reach *= 2) counts = halved(counts);
    for (let i = 0; i < bins; i++) this.counts[i] = (this.counts[i] as number) + (counts[i] as number);
    this.low = Math.min(this.low, other.low);
    this.high = Math.max(this.high, other.high);
  }

  /** Lower edge of bin i; the upper edge of the last one is edge(bins). */
  edge(i: number): number {
    return this.reach * ((2 * i) / bins - 1);
  }

  private widen(): void {
    this.counts = halved(this.counts);
    this.reach *= 2;
  }
}

/** Returns the counts of the same values over twice the reach. */
function halved(counts: Float64Array): Float64Array {
  const wider = new Float64Array(bins);
  for (let i = 0; i < bins; i++) {
    const to = bins / 4 + (i >> 1);
    wider[to] = (wider[to] as number) + (counts[i] as number);
  }
  return wider;
}
