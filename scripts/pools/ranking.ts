/**
 * Compares rankings of placements.
 *
 * In: values, one per placement, larger is better.  Out: ranks, Kendall's tau-b, a permutation test, the
 * Pareto front. Sources: Kendall, 1945 (tau-b, which allows ties); Fisher, 1935 (permutation test).
 */
import { uniform } from '../../models/xorshift.ts';

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Standard deviation of a sample, with n - 1. */
export function deviation(values: readonly number[]): number {
  const m = mean(values);
  return Math.sqrt(values.reduce((sum, v) => sum + (v - m) ** 2, 0) / (values.length - 1));
}

/** Formats mean ± standard deviation. */
export const meanAndDeviation = (values: readonly number[]): string =>
  `${mean(values).toFixed(2)} ± ${deviation(values).toFixed(2)}`;

/** Ranks from 1; equal values have the same rank. */
export const ranks = (values: readonly number[]): number[] => values.map((v) => 1 + values.filter((w) => w > v).length);

/** Kendall's tau-b, -1 to 1; NaN if all values of a list are equal. */
export function tau(a: readonly number[], b: readonly number[]): number {
  let [sum, inA, inB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++)
    for (let j = 0; j < i; j++) {
      const x = Math.sign((a[i] as number) - (a[j] as number));
      const y = Math.sign((b[i] as number) - (b[j] as number));
      sum += x * y;
      inA += x * x;
      inB += y * y;
    }
  return sum / Math.sqrt(inA * inB);
}

const shuffles = 10_000;

/**
 * Returns the probability that the means of placements differ this much if placements make no difference:
 * the share of shuffles within every seed whose means have at least the measured variance.
 * @param bySeed [seed][placement]
 */
export function chance(bySeed: readonly (readonly number[])[]): number {
  const next = uniform(1);
  const spread = (rows: readonly (readonly number[])[]) =>
    deviation((rows[0] as readonly number[]).map((_, i) => mean(rows.map((row) => row[i] as number))));
  const measured = spread(bySeed);
  const shuffled = (row: readonly number[]): number[] => {
    const left = [...row];
    return row.map(() => left.splice(Math.floor(next() * left.length), 1)[0] as number);
  };
  let count = 1;
  for (let n = 1; n < shuffles; n++) if (spread(bySeed.map(shuffled)) >= measured) count++;
  return count / shuffles;
}

/**
 * Tells which points are on the Pareto front: no other point has at most their cost and at least their value,
 * and is better in one of the two.
 */
export const front = (costs: readonly number[], values: readonly number[]): boolean[] =>
  values.map((v, i) =>
    values.every((w, j) => {
      const [cost, other] = [costs[i] as number, costs[j] as number];
      return !(other <= cost && w >= v && (other < cost || w > v));
    }),
  );
