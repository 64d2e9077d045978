/**
 * moving-average: an exponential moving average of the minima and maxima of batches, as in training with
 * simulated quantisation.
 *
 *     low  <- low  + (1 - momentum) * (min of the batch - low); high likewise. The first batch sets both.
 *
 * A batch is a fixed number of values, so the result does not depend on the sizes of the blocks.
 * Source: Jacob et al. 2018, arXiv 1712.05877, section 3.1 ("exponential moving averages"); momentum 0.99 as
 * PyTorch's MovingAverageMinMaxObserver (averaging_constant 0.01).
 */
import type { Observer } from './observer.ts';

export class MovingAverage implements Observer {
  private low = 0;
  private high = 0;
  private batchLow = 0;
  private batchHigh = 0;
  private inBatch = 0;
  private batches = 0;
  count = 0;
  private readonly rate: number;
  private readonly batchValues: number;
  /**
   * @param momentum share of the old average that a batch keeps, 0 to 1  @param batchValues size of a batch
   */
  constructor(momentum = 0.99, batchValues = 4096) {
    this.rate = 1 - momentum;
    this.batchValues = batchValues;
  }
  observe(values: Float32Array): void {
    for (const v of values) {
      if (v < this.batchLow) this.batchLow = v;
      if (v > this.batchHigh) this.batchHigh = v;
      if (++this.inBatch === this.batchValues) this.close();
    }
    this.count += values.length;
  }
  private close(): void {
    const rate = this.batches === 0 ? 1 : this.rate;
    this.low += rate * (this.batchLow - this.low);
    this.high += rate * (this.batchHigh - this.high);
    this.batches++;
    this.batchLow = 0;
    this.batchHigh = 0;
    this.inBatch = 0;
  }
  /** An incomplete batch counts only if there is no complete one. */
  range(): [number, number] {
    return this.batches > 0 ? [this.low, this.high] : [this.batchLow, this.batchHigh];
  }
}
