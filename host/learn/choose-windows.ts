/**
 * Ways to choose n windows of a pool at once.
 *
 * In: a number per window (uncertainty), or the number of windows.  Out: indexes, in the order of their
 * choice. Ties of the uncertainty are broken at random, so that the order of the pool does not matter.
 * quant/calibration/coverage.ts has the ways that look at distances.
 */
import { draws } from '../../models/xorshift.ts';
import { shuffled } from '../demo/shuffled.ts';

/** `n` of `count` windows at random, without repetition; all if there are no more. */
export const byChance = (count: number, n: number, seed: number): number[] => shuffled(count, draws(seed)).slice(0, n);

/** The `n` windows with the highest uncertainty. NaN counts as the lowest. */
export function byUncertainty(uncertainties: ArrayLike<number>, n: number, seed: number): number[] {
  const height = (i: number) => (Number.isNaN(uncertainties[i] as number) ? -1 : (uncertainties[i] as number));
  return shuffled(uncertainties.length, draws(seed))
    .sort((a, b) => height(b) - height(a))
    .slice(0, n);
}
