/**
 * Confidence intervals of shares and of other statistics of weighted windows.
 *
 * In: a share with its effective number of windows; or a statistic that takes how often each window is drawn.
 * Out: lower and upper bound.
 * Rules: Wilson's score interval for shares, the percentiles of a seeded bootstrap for the rest. Weights
 * enter a share by Kish's effective number, (sum of w)^2 / (sum of w^2).
 * Source: Wilson 1927; Efron 1979; Kish 1965, section 11.7.  Cost: bootstrap rounds x windows.
 */
import { draws } from '../../models/xorshift.ts';
import { quantile } from '../statistics.ts';

export interface Interval {
  low: number;
  high: number;
}

/** The two-sided quantile of the normal distribution for 95 %. */
export const z95 = 1.959963984540054;

/** Rounds of a bootstrap. A choice: percentiles of 2.5 % then rest on 25 rounds. */
const defaultRounds = 1000;

/**
 * Wilson's interval of a share.
 * @param share 0 to 1. @param windows number of windows, not necessarily whole; 0 gives [0, 1].
 */
export function wilson(share: number, windows: number, z = z95): Interval {
  if (!(windows > 0)) return { low: 0, high: 1 };
  const squared = (z * z) / windows;
  const middle = share + squared / 2;
  const half = z * Math.sqrt((share * (1 - share)) / windows + squared / (4 * windows));
  // rounding must not move a bound past the share, as it would at 0 and 1
  return {
    low: Math.max(0, Math.min(share, (middle - half) / (1 + squared))),
    high: Math.min(1, Math.max(share, (middle + half) / (1 + squared))),
  };
}

/** Fewest windows with which a share of 1 has a lower bound of `level`: Wilson's bound is n / (n + z^2). */
export const windowsFor = (level: number, z = z95): number => Math.ceil((level * z * z) / (1 - level));

/** Kish's effective number of windows; the number itself if all weights are equal. */
export function effectiveCount(weights: readonly number[]): number {
  let [sum, squares] = [0, 0];
  for (const w of weights) {
    sum += w;
    squares += w * w;
  }
  return squares > 0 ? (sum * sum) / squares : 0;
}

export interface Bootstrap {
  /** Any whole number. Default: 1. */
  seed?: number;
  rounds?: number;
}

/**
 * Intervals of 95 % of several statistics, from the same draws.
 * @param windows number of windows. @param statistics takes how often each window was drawn and returns the
 * statistics; NaN where one is not defined. Such rounds are left out of its interval.
 * @returns an interval per statistic; undefined where no round defines it.
 */
export function bootstrap(
  windows: number,
  statistics: (times: Uint32Array) => number[],
  { seed = 1, rounds = defaultRounds }: Bootstrap = {},
): (Interval | undefined)[] {
  if (windows === 0) return [];
  const draw = draws(seed);
  const times = new Uint32Array(windows);
  const found: number[][] = [];
  for (let round = 0; round < rounds; round++) {
    times.fill(0);
    for (let i = 0; i < windows; i++) {
      const at = Math.floor(draw() * windows);
      times[at] = (times[at] as number) + 1;
    }
    for (const [s, value] of statistics(times).entries()) {
      const list = found[s] ?? [];
      found[s] = list;
      if (!Number.isNaN(value)) list.push(value);
    }
  }
  return found.map((list) => (list.length > 0 ? { low: quantile(list, 0.025), high: quantile(list, 0.975) } : undefined));
}
