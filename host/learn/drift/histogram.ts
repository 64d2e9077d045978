/**
 * Histograms of a stream, and how far one is from another.
 *
 * In: sample values for the edges, then values.  Out: counts per bin; the population stability index (PSI)
 * and the Kolmogorov-Smirnov distance (KS) of two lists of counts.
 * Rules: the edges are quantiles of the samples, so that all bins hold about as much. A value that fills more
 * than a bin by itself, such as a saturated score, gets a bin of its own. KS is taken at the edges, so it is
 * at most the distance of the two distributions.
 * Source: Siddiqi, Credit Risk Scorecards, 2006 (PSI); Kolmogorov 1933, Smirnov 1939.  Cost of a value: 4
 * comparisons.
 */
import { quantile } from '../../statistics.ts';

/** Number of bins; at most twice as many if values repeat. A choice: PSI is usually taken over 10 to 20. */
const bins = 16;

/** Returns ascending edges. A value belongs to the bin whose number is that of the edges at or below it. */
export function edgesOf(values: ArrayLike<number>): number[] {
  const sorted = Float64Array.from(values).sort();
  const edges: number[] = [];
  let before = Number.NaN;
  for (let i = 1; i < bins; i++) {
    const value = quantile(sorted, i / bins);
    // the second edge of a repeated value lies just above it
    const edge = value === before ? value + Math.abs(value) * 1e-6 + 1e-12 : value;
    if (Number.isFinite(edge) && !(edge <= (edges.at(-1) as number))) edges.push(edge);
    before = value;
  }
  return edges;
}

export function binOf(edges: ArrayLike<number>, value: number): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((edges[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

const total = (counts: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i] as number;
  return sum;
};

/**
 * Population stability index: sum of (q - p) ln(q / p) over the bins. Half a value is added to each bin, so
 * that an empty one does not make it infinite. NaN if one of them has no values.
 */
export function psi(reference: ArrayLike<number>, counts: ArrayLike<number>): number {
  const [all, mine] = [total(reference), total(counts)];
  if (all === 0 || mine === 0) return Number.NaN;
  const share = (count: number, of: number) => (count + 0.5) / (of + 0.5 * counts.length);
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    const [p, q] = [share(reference[i] as number, all), share(counts[i] as number, mine)];
    sum += (q - p) * Math.log(q / p);
  }
  return sum;
}

/** Kolmogorov-Smirnov distance at the edges, 0 to 1; NaN if one of them has no values. */
export function ks(reference: ArrayLike<number>, counts: ArrayLike<number>): number {
  const [all, mine] = [total(reference), total(counts)];
  if (all === 0 || mine === 0) return Number.NaN;
  let [p, q, largest] = [0, 0, 0];
  for (let i = 0; i < counts.length; i++) {
    p += (reference[i] as number) / all;
    q += (counts[i] as number) / mine;
    largest = Math.max(largest, Math.abs(p - q));
  }
  return largest;
}

/** A random sample of bounded size of all values so far (Vitter 1985, algorithm R). */
export class Sample {
  readonly values: number[] = [];
  #seen = 0;
  #size: number;
  #draw: () => number;

  constructor(draw: () => number, size = 2048) {
    this.#draw = draw;
    this.#size = size;
  }

  see(value: number): void {
    const at = Math.floor(this.#draw() * ++this.#seen);
    if (this.values.length < this.#size) this.values.push(value);
    else if (at < this.#size) this.values[at] = value;
  }
}
