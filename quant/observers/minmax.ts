/**
 * minmax: the range covers all observed values. Nothing is clipped, but one outlier makes every step wider.
 *
 * Source: Krishnamoorthi 2018, arXiv 1806.08342, section 3.1.  Cost: one pass, 16 bytes.
 */
import type { Observer } from './observer.ts';

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
