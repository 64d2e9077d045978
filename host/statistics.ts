/**
 * Statistics that reports print.
 *
 * In: numbers.  Out: quantiles by linear interpolation, mean absolute error, accuracy, the truth of a window.
 * Source: Hyndman and Fan, 1996, type 7 (quantiles).
 */
import type { TruthAt } from '../assembly/bundle/manifest.ts';

/** Returns the q-quantile (0 <= q <= 1) of unsorted values; NaN if there are none. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return Number.NaN;
  const at = q * (sorted.length - 1);
  const below = sorted[Math.floor(at)] as number;
  return below + (at - Math.floor(at)) * ((sorted[Math.ceil(at)] as number) - below);
}

/** Returns the mean of |a - b| over the pairs without NaN; undefined if there are none. */
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

/** Returns the share of equal pairs among those whose truth is known; undefined if there are none. */
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

/** Returns the truth of the window [from, to), taken from its frames as `at` says; NaN if it is unknown. */
export function truthIn(values: ArrayLike<number>, from: number, to: number, at: TruthAt): number {
  if (at === 'end') return values[to - 1] ?? Number.NaN;
  if (at === 'middle') return values[from + ((to - from) >> 1)] ?? Number.NaN;
  const known: number[] = [];
  for (let i = from; i < Math.min(to, values.length); i++)
    if (!Number.isNaN(values[i] as number)) known.push(values[i] as number);
  if (at === 'mean') return known.reduce((sum, value) => sum + value, 0) / known.length;
  const counts = new Map<number, number>();
  for (const value of known) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best = Number.NaN;
  for (const [value, n] of counts) if (n > (counts.get(best) ?? 0)) best = value;
  return best;
}

/** Returns the index of the largest value; of equal values the first. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
