/**
 * False alarms: how many blocks in a row must lie outside the reference, so that clean signal gives at most a
 * stated number of alarms a day.
 *
 * In: values of a statistic over the blocks of the reference.  Out: limits and the length of a run.
 * Rule: a block counts if its value lies beyond those of all n blocks of the reference. If blocks are
 * exchangeable (independent and alike), m new blocks in a row do so with probability n! m! / (n + m)!: of
 * n + m values the m highest are just the new ones. This needs no form of the distribution and holds for its
 * tail, on average over references. The run is the smallest m for which the sum over a day and over all
 * statistics is at most the stated number. The limits have a margin on top, which makes alarms rarer.
 * Signals are autocorrelated. Blocks are long for that reason; if the blocks of the reference still depend
 * on each other, tau = (1 + r) / (1 - r) of them count as one (r: the correlation of neighbours' ranks).
 */

/** Probability that all of `run` values are above all of `blocks` others, if they are exchangeable. */
export function allAbove(blocks: number, run: number): number {
  let probability = 1;
  for (let i = 1; i <= run; i++) probability *= i / (blocks + i);
  return probability;
}

/** Expected false alarms per day of a run. @param dependence blocks that count as one, from 1 on */
export const falseAlarms = (blocks: number, run: number, blocksPerDay: number, dependence = 1): number =>
  (blocksPerDay / dependence) * allAbove(blocks / dependence, Math.floor(run / dependence));

/**
 * Returns the shortest run with at most `perDay` false alarms per day; infinite if the reference is too
 * short: a run must be shorter than half of it.
 */
export function runFor(blocks: number, blocksPerDay: number, perDay: number, dependence = 1): number {
  for (let units = 1; units * dependence < blocks / 2; units++) {
    const run = Math.ceil(units * dependence);
    if (falseAlarms(blocks, run, blocksPerDay, dependence) <= perDay) return run;
  }
  return Number.POSITIVE_INFINITY;
}

/** Ranks from 0 on; equal values share their mean rank. */
function ranksOf(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i);
  order.sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && values[order[to] as number] === values[order[from] as number]) to++;
    for (let i = from; i < to; i++) ranks[order[i] as number] = (from + to - 1) / 2;
    from = to;
  }
  return ranks;
}

/**
 * Number of neighbouring blocks that count as one. Correlations of ranks up to 2 / sqrt(n) count as none:
 * those of independent blocks lie below it in 97.5 % of references.
 */
export function dependenceOf(values: ArrayLike<number>): number {
  const ranks = ranksOf(values);
  const n = ranks.length;
  const mean = (n - 1) / 2;
  let [products, squares] = [0, 0];
  for (let i = 0; i < n; i++) {
    const x = (ranks[i] as number) - mean;
    squares += x * x;
    if (i > 0) products += x * ((ranks[i - 1] as number) - mean);
  }
  const r = squares > 0 ? products / squares : 0;
  return r > 2 / Math.sqrt(n) ? (1 + r) / (1 - Math.min(r, 0.95)) : 1;
}
