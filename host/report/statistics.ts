/**
 * Statistics that reports print.
 *
 * In: numbers.  Out: quantiles by linear interpolation (Hyndman and Fan, 1996, type 7), mean absolute error, accuracy.
 */

/** The q-quantile, 0 <= q <= 1, of unsorted values; NaN for none. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return Number.NaN;
  const at = q * (sorted.length - 1);
  const below = sorted[Math.floor(at)] as number;
  return below + (at - Math.floor(at)) * ((sorted[Math.ceil(at)] as number) - below);
}

/** Mean of |a - b| over the pairs where both are numbers; undefined where there are none. */
export function meanAbsoluteError(a: ArrayLike<number>, b: ArrayLike<number>): { mae: number; count: number } | undefined {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const error = Math.abs((a[i] as number) - (b[i] as number));
    if (Number.isNaN(error)) continue;
    sum += error;
    count++;
  }
  return count ? { mae: sum / count, count } : undefined;
}

/** The part of the pairs that are equal, over the pairs where the truth is a number; undefined where there are none. */
export function accuracy(found: ArrayLike<number>, truth: ArrayLike<number>): { accuracy: number; count: number } | undefined {
  let right = 0;
  let count = 0;
  for (let i = 0; i < Math.min(found.length, truth.length); i++) {
    if (Number.isNaN(truth[i] as number)) continue;
    count++;
    if (found[i] === truth[i]) right++;
  }
  return count ? { accuracy: right / count, count } : undefined;
}

/** Index of the largest value, the first one of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
