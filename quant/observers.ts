/**
 * Observers: from the values that a tensor takes to the range that int8 covers.
 *
 * In: blocks of float values.  Out: [min, max], always containing 0.  `minmax` covers everything seen; `percentile` leaves out a share of the
 * values at both ends (Krishnamoorthi 2018, arXiv 1806.08342, section 3.1), read from a histogram of 2,048 bins that doubles its range as needed.
 */

export interface Observer {
  observe(values: Float32Array): void;
  range(): [min: number, max: number];
  /** Values seen. */
  readonly count: number;
}

export type ObserverKind = 'minmax' | 'percentile';

export class MinMax implements Observer {
  private low = 0;
  private high = 0;
  count = 0;
  observe(values: Float32Array): void {
    for (const v of values) {
      if (v < this.low) this.low = v;
      if (v > this.high) this.high = v;
    }
    this.count += values.length;
  }
  range(): [number, number] {
    return [this.low, this.high];
  }
}

const bins = 2048;

export class Percentile implements Observer {
  private counts = new Float64Array(bins);
  /** The histogram covers [-reach, reach). */
  private reach = 0;
  private low = 0;
  private high = 0;
  count = 0;
  private readonly share: number;
  /** @param percentile of values covered, for example 99.99 */
  constructor(percentile: number) {
    this.share = (100 - percentile) / 200;
  }
  observe(values: Float32Array): void {
    let most = 0;
    for (const v of values) most = Math.max(most, Math.abs(v));
    if (most === 0) this.reach ||= 2 ** -20;
    if (this.reach === 0) this.reach = 2 ** Math.ceil(Math.log2(most * 1.0001));
    while (this.reach <= most) this.widen();
    const scale = bins / (2 * this.reach);
    for (const v of values) {
      const bin = Math.floor((v + this.reach) * scale);
      this.counts[bin] = (this.counts[bin] as number) + 1;
      if (v < this.low) this.low = v;
      if (v > this.high) this.high = v;
    }
    this.count += values.length;
  }
  /** Doubles the range: pairs of bins merge into the middle half. */
  private widen(): void {
    const wider = new Float64Array(bins);
    for (let i = 0; i < bins; i++) {
      const to = bins / 4 + (i >> 1);
      wider[to] = (wider[to] as number) + (this.counts[i] as number);
    }
    this.counts = wider;
    this.reach *= 2;
  }
  range(): [number, number] {
    const cut = this.share * this.count;
    const edge = (i: number) => -this.reach + (i * 2 * this.reach) / bins;
    let below = 0;
    let from = 0;
    while (from < bins && below + (this.counts[from] as number) <= cut) below += this.counts[from++] as number;
    let above = 0;
    let to = bins - 1;
    while (to >= 0 && above + (this.counts[to] as number) <= cut) above += this.counts[to--] as number;
    return [Math.min(0, Math.max(this.low, edge(from))), Math.max(0, Math.min(this.high, edge(to + 1)))];
  }
}

export function makeObserver(kind: ObserverKind, percentile = 99.99): Observer {
  return kind === 'minmax' ? new MinMax() : new Percentile(percentile);
}
