/**
 * percentile: clips a share of the values, half of it at each end.
 *
 * Source: Krishnamoorthi 2018, arXiv 1806.08342, section 3.1; Wu et al. 2020, arXiv 2004.09602, section 4
 * ("percentile"). It is read from a histogram, so it is exact to one bin.
 */
import { bins, Histogram } from './histogram.ts';
import type { Observer } from './observer.ts';

export class Percentile implements Observer {
  private readonly histogram = new Histogram();
  private readonly share: number;
  /** @param percentile percentage of values covered, for example 99.99 */
  constructor(percentile: number) {
    this.share = (100 - percentile) / 200;
  }
  get count(): number {
    return this.histogram.count;
  }
  observe(values: Float32Array): void {
    this.histogram.add(values);
  }
  range(): [number, number] {
    const { counts, count, zeros, low, high } = this.histogram;
    const cut = this.share * count;
    const at = (i: number) => (counts[i] as number) + (i === bins / 2 ? zeros : 0);
    let below = 0;
    let from = 0;
    while (from < bins && below + at(from) <= cut) below += at(from++);
    let above = 0;
    let to = bins - 1;
    while (to >= 0 && above + at(to) <= cut) above += at(to--);
    return [Math.min(0, Math.max(low, this.histogram.edge(from))), Math.max(0, Math.min(high, this.histogram.edge(to + 1)))];
  }
}
