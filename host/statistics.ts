/**
 * Statistics that reports print.
 *
 * In: numbers.  Out: quantiles by linear interpolation (Hyndman and Fan, 1996, type 7), mean absolute error,
 * accuracy, truths of windows.
 */
import type { TruthAt } from '../assembly/bundle/manifest.ts';

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

/**
 * The part of the pairs that are equal, over the pairs where the truth is a number; undefined where there are
 * none.
 */
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

/** Truth of the window [from, to), at the place that is asked for; NaN where nothing is known there. */
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

/** Index of the largest value, the first one of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
