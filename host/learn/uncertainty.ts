/**
 * How uncertain a classifier is of a window.
 *
 * In: scores of one output: probabilities of all classes, or of the second of two classes.  Out: 0 (sure) to
 * 1.
 * Rules: `margin` is 1 less the distance of the two highest probabilities; `entropy` is the entropy of the
 * probabilities divided by its maximum, the logarithm of the number of classes.
 * Source: Settles 2009, "Active learning literature survey", section 3.1.
 */

export const measures = ['margin', 'entropy'] as const;
export type Measure = (typeof measures)[number];

/** Returns the probabilities of all classes: one score stands for the second of two classes. */
const probabilities = (scores: ArrayLike<number>): ArrayLike<number> =>
  scores.length === 1 ? [1 - (scores[0] as number), scores[0] as number] : scores;

/** Distance of the two highest probabilities. */
export function margin(scores: ArrayLike<number>): number {
  let [first, second] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const all = probabilities(scores);
  for (let i = 0; i < all.length; i++) {
    const p = all[i] as number;
    if (p > first) [first, second] = [p, first];
    else if (p > second) second = p;
  }
  return first - second;
}

/** Entropy divided by its maximum. Scores need not have the sum 1: int8 ones miss it by a few steps. */
export function entropy(scores: ArrayLike<number>): number {
  const all = probabilities(scores);
  let [sum, logs] = [0, 0];
  for (let i = 0; i < all.length; i++) {
    const p = Math.max(0, all[i] as number);
    sum += p;
    if (p > 0) logs += p * Math.log(p);
  }
  return sum > 0 ? Math.max(0, (Math.log(sum) - logs / sum) / Math.log(all.length)) : 1;
}

/** Returns the uncertainty by a measure, 0 to 1. */
export const uncertaintyOf = (scores: ArrayLike<number>, measure: Measure = 'margin'): number =>
  measure === 'margin' ? Math.min(1, Math.max(0, 1 - margin(scores))) : entropy(scores);
