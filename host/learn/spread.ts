/**
 * How well chosen windows represent their pool.
 *
 * In: points of all windows, chosen indexes, labels.  Out: coverage radius and mean distance to the nearest
 * chosen window; balance of the classes.
 * Rule: distances are measured from at most `maxMeasured` windows of the pool, drawn at random; the radius is
 * then the largest of those. Balance is the entropy of the classes' shares, divided by the logarithm of the
 * number of classes in the pool.  Cost: measured windows x chosen x features.
 */
import { nearer } from '../../quant/calibration/coverage.ts';
import { byChance } from './choose-windows.ts';
import type { Points } from './pool.ts';

/** Windows from which distances are measured. A choice: the mean is then known to about 2 %. */
const maxMeasured = 2000;

export interface Spread {
  radius: number;
  mean: number;
}

export function spreadOf({ values, features }: Points, chosen: readonly number[]): Spread {
  const all = values.length / features;
  let [farthest, sum] = [0, 0];
  const measured = byChance(all, maxMeasured, 1);
  for (const w of measured) {
    let nearest = Number.POSITIVE_INFINITY;
    for (const c of chosen) nearest = nearer(values, features, w, c, nearest);
    farthest = Math.max(farthest, nearest);
    sum += Math.sqrt(nearest);
  }
  return { radius: Math.sqrt(farthest), mean: sum / measured.length };
}

export interface Balance {
  /** Entropy of the classes among the chosen windows, 0 (one class) to 1 (as many of each). */
  balance: number;
  /** Number of chosen windows of the class that has the fewest. */
  fewest: number;
}

/** Returns the balance of the chosen windows; undefined if the pool has fewer than two classes. */
export function balanceOf(labels: ArrayLike<number>, chosen: readonly number[]): Balance | undefined {
  const isClass = (label: number) => Number.isInteger(label) && label >= 0;
  const counts = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) if (isClass(labels[i] as number)) counts.set(labels[i] as number, 0);
  if (counts.size < 2) return undefined;
  let all = 0;
  for (const i of chosen) {
    const label = labels[i] as number;
    if (!isClass(label)) continue;
    counts.set(label, (counts.get(label) ?? 0) + 1);
    all++;
  }
  let [entropy, fewest] = [0, Number.POSITIVE_INFINITY];
  for (const count of counts.values()) {
    fewest = Math.min(fewest, count);
    if (count > 0) entropy -= (count / all) * Math.log(count / all);
  }
  return { balance: entropy / Math.log(counts.size), fewest };
}
