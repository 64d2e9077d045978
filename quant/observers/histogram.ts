/**
 * A histogram of everything that a tensor was, whose range doubles as it needs to.
 *
 * In: blocks of float values.  Out: counts of 4,096 bins over [-reach, reach), the exact extremes, and how
 * many values were exactly 0. reach is a power of two; doubling merges pairs of bins into the middle half, so
 * that the counts do not depend on the order of the blocks. Zeros are counted apart, because int8 holds 0
 * exactly: after a ReLU half of the values cost nothing.
 */
export const bins = 4096;

export class Histogram {
  counts: Float64Array = new Float64Array(bins);
  reach = 0;
  low = 0;
  high = 0;
  zeros = 0;
  /** Values seen, zeros included. */
  count = 0;

  /** @param weights what a value of each channel counts, [c]; 1 without them */
  add(values: Float32Array, weights?: Float64Array): void {
    let most = 0;
    for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i] as number));
    this.count += values.length;
    if (most === 0) {
      this.zeros += values.length;
      return;
    }
    if (this.reach === 0) this.reach = 2 ** (Math.floor(Math.log2(most)) + 1);
    while (this.reach <= most) this.widen();
    const scale = bins / (2 * this.reach);
    const channels = weights?.length ?? 1;
    for (let i = 0; i < values.length; i++) {
      const v = values[i] as number;
      if (v === 0) {
        this.zeros++;
        continue;
      }
      // From 0 outwards on both sides: a small value beside a large reach must not round across 0.
      const out = Math.floor(Math.abs(v) * scale);
      const bin = v > 0 ? bins / 2 + out : bins / 2 - 1 - out;
      this.counts[bin] = (this.counts[bin] as number) + (weights ? (weights[i % channels] as number) : 1);
      if (v < this.low) this.low = v;
      if (v > this.high) this.high = v;
    }
  }

  /** As if the other's values had been added here. */
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

/** The same values over twice the reach. */
function halved(counts: Float64Array): Float64Array {
  const wider = new Float64Array(bins);
  for (let i = 0; i < bins; i++) {
    const to = bins / 4 + (i >> 1);
    wider[to] = (wider[to] as number) + (counts[i] as number);
  }
  return wider;
}
