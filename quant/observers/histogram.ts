/**
 * A histogram of everything that a tensor was, whose range doubles as it needs to.
 *
 * In: blocks of float values.  Out: counts of 4,096 bins over [-reach, reach), the exact extremes, and how many values were exactly 0.
 * reach is a power of two; doubling merges pairs of bins into the middle half, so that the counts do not depend on the order of the blocks.
 * Zeros are counted apart, because int8 holds 0 exactly: after a ReLU half of the values cost nothing.
 */
export const bins = 4096;

export class Histogram {
  counts = new Float64Array(bins);
  reach = 0;
  low = 0;
  high = 0;
  zeros = 0;
  /** Values seen, zeros included. */
  count = 0;

  add(values: Float32Array): void {
    let most = 0;
    for (const v of values) most = Math.max(most, Math.abs(v));
    this.count += values.length;
    if (most === 0) {
      this.zeros += values.length;
      return;
    }
    if (this.reach === 0) this.reach = 2 ** (Math.floor(Math.log2(most)) + 1);
    while (this.reach <= most) this.widen();
    const scale = bins / (2 * this.reach);
    for (const v of values) {
      if (v === 0) {
        this.zeros++;
        continue;
      }
      // From 0 outwards on both sides: a small value beside a large reach must not round across 0.
      const out = Math.floor(Math.abs(v) * scale);
      const bin = v > 0 ? bins / 2 + out : bins / 2 - 1 - out;
      this.counts[bin] = (this.counts[bin] as number) + 1;
      if (v < this.low) this.low = v;
      if (v > this.high) this.high = v;
    }
  }

  /** Lower edge of bin i; the upper edge of the last one is edge(bins). */
  edge(i: number): number {
    return this.reach * ((2 * i) / bins - 1);
  }

  private widen(): void {
    const wider = new Float64Array(bins);
    for (let i = 0; i < bins; i++) {
      const to = bins / 4 + (i >> 1);
      wider[to] = (wider[to] as number) + (this.counts[i] as number);
    }
    this.counts = wider;
    this.reach *= 2;
  }
}
