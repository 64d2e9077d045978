/**
 * mse: chooses the range whose int8 values have the smallest mean squared error.
 *
 *     error(low, high) = sum over bins of n_i * e_i
 *     e_i = step^2 / 12, plus the squared distance to the range for values outside it
 *     step = (high - low) / 255; values that are exactly 0 have no error
 *
 * Clipping a few distant values costs less than a wider step for all others. The search shrinks both ends by
 * the same factor, then one end at a time until nothing improves.  Source: Nagel et al. 2021, arXiv
 * 2106.08295, section 2.3.1 (equation 6, MSE based range setting); step^2 / 12 for a uniform error is from
 * Widrow and Kollar.  Cost: one pass over 4,096 bins a tensor, and about 300 ranges tried.
 */
import { bins, Histogram } from './histogram.ts';
import type { Observer } from './observer.ts';

const steps = 100;

type Tails = readonly [counts: Float64Array, sums: Float64Array, squares: Float64Array];

/** Returns counts, sums and sums of squares of the k outermost bins on one side, for every k. */
function tails({ counts, reach }: Histogram, width: number, fromAbove: boolean): Tails {
  const [count, sum, squares] = [new Float64Array(bins + 1), new Float64Array(bins + 1), new Float64Array(bins + 1)];
  let [c, s, q] = [0, 0, 0];
  for (let k = 0; k < bins; k++) {
    const i = fromAbove ? bins - 1 - k : k;
    const n = counts[i] as number;
    if (n !== 0) {
      const middle = (i + 0.5) * width - reach;
      c += n;
      s += n * middle;
      q += n * middle * middle;
    }
    count[k + 1] = c;
    sum[k + 1] = s;
    squares[k + 1] = q;
  }
  return [count, sum, squares];
}

/** Returns a function for the error of a range. It takes constant time, because it uses cumulative sums. */
function errorsOf(histogram: Histogram): (low: number, high: number) => number {
  const width = (2 * histogram.reach) / bins;
  const below = tails(histogram, width, false);
  const above = tails(histogram, width, true);
  const total = below[0][bins] as number;
  /** Sum of the squared distances of the k outermost bins from an end of the range. */
  const cut = (sums: Tails, k: number, end: number) =>
    k <= 0 ? 0 : end * end * (sums[0][k] as number) - 2 * end * (sums[1][k] as number) + (sums[2][k] as number);
  return (low, high) => {
    const step = (high - low) / 255;
    // bins whose middle lies outside
    const under = Math.ceil((low + histogram.reach) / width - 0.5);
    const over = bins - 1 - Math.floor((high + histogram.reach) / width - 0.5);
    return (total * step * step) / 12 + cut(below, Math.min(bins, under), low) + cut(above, Math.min(bins, over), high);
  };
}

/** Returns the range with the smallest squared error within the observed range. */
export function minError(histogram: Histogram): [number, number] {
  const { low, high } = histogram;
  const errorAt = errorsOf(histogram);
  const at = (a: number, b: number) => errorAt((low * a) / steps, (high * b) / steps);
  let [a, b] = [steps, steps];
  let best = at(a, b);
  for (let k = 1; k < steps; k++) {
    const error = at(k, k);
    if (error < best) [a, b, best] = [k, k, error];
  }
  for (let moved = true; moved; ) {
    moved = false;
    for (let k = 0; k <= steps; k++) {
      const [first, second] = [at(k, b), at(a, k)];
      if (first < best && (k > 0 || b > 0)) [a, best, moved] = [k, first, true];
      else if (second < best && (k > 0 || a > 0)) [b, best, moved] = [k, second, true];
    }
  }
  return [(low * a) / steps, (high * b) / steps];
}

export class MeanSquaredError implements Observer {
  readonly histogram = new Histogram();
  private readonly gains: Float64Array | undefined;
  /** @param gains weight of an error of each channel (quant/methods/channel-gains.ts), [c] */
  constructor(gains?: Float64Array) {
    this.gains = gains;
  }
  get count(): number {
    return this.histogram.count;
  }
  observe(values: Float32Array): void {
    this.histogram.add(values, this.gains);
  }
  range(): [number, number] {
    return minError(this.histogram);
  }
}
