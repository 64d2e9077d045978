/**
 * entropy: chooses the range with the smallest Kullback-Leibler divergence between the observed distribution
 * and the clipped and rounded one.
 *
 *     P: the histogram within [low, high]; values beyond count in its outermost bins
 *     Q: the histogram within [low, high] in 256 steps, each spread evenly over its non-empty bins
 *     minimise the sum of P log(P / Q)
 *
 * Source: Migacz, "8-bit inference with TensorRT", 2017; Wu et al. 2020, arXiv 2004.09602, section 4
 * ("entropy").  Their ranges are symmetric. Here both ends shrink by the same factor, so the lower end stays
 * 0 if no value is negative (after a ReLU), as asymmetric int8 needs. Zeros are excluded, because int8 holds
 * them exactly; TensorRT excludes the first bin.  Cost: about 100 passes over 4,096 bins a tensor.
 */
import { bins, Histogram } from './histogram.ts';
import type { Observer } from './observer.ts';

const levels = 256;
/** Ranges of 100 % down to 20 % of the observed range are tried. */
const minPercent = 20;
const maxPercent = 100;

/**
 * Returns the divergence of int8 over bins [from, to) from the histogram; clipped counts go to the end bins.
 */
function divergence(counts: Float64Array, from: number, to: number): number {
  const p = counts.slice(from, to);
  let [below, above] = [0, 0];
  for (let i = 0; i < from; i++) below += counts[i] as number;
  for (let i = to; i < counts.length; i++) above += counts[i] as number;
  const q = new Float64Array(p.length);
  for (let level = 0; level < levels; level++) {
    const first = Math.floor((level * p.length) / levels);
    const last = Math.max(first, Math.floor(((level + 1) * p.length) / levels));
    let [mass, filled] = [0, 0];
    for (let i = first; i < last; i++) {
      mass += p[i] as number;
      if ((p[i] as number) > 0) filled++;
    }
    for (let i = first; i < last; i++) if ((p[i] as number) > 0) q[i] = mass / filled;
  }
  p[0] = (p[0] as number) + below;
  p[p.length - 1] = (p[p.length - 1] as number) + above;
  const total = (x: Float64Array) => x.reduce((a, b) => a + b, 0);
  const [sumP, sumQ] = [total(p), total(q)];
  if (sumP === 0 || sumQ === 0) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    const a = (p[i] as number) / sumP;
    if (a === 0) continue;
    // an end bin may be empty but for clipped counts; Q is then 0
    const b = Math.max((q[i] as number) / sumQ, 1e-9);
    sum += a * Math.log(a / b);
  }
  return sum;
}

export class Entropy implements Observer {
  private readonly histogram = new Histogram();
  get count(): number {
    return this.histogram.count;
  }
  observe(values: Float32Array): void {
    this.histogram.add(values);
  }
  range(): [number, number] {
    const { histogram } = this;
    const { low, high, reach, counts } = histogram;
    if (reach === 0) return [0, 0];
    const bin = (value: number) => Math.round(((value / reach + 1) * bins) / 2);
    let best: [number, number] = [low, high];
    let lowest = Number.POSITIVE_INFINITY;
    for (let k = maxPercent; k >= minPercent; k--) {
      const [from, to] = [bin((low * k) / maxPercent), bin((high * k) / maxPercent)];
      if (to - from < levels / 2) break;
      const d = divergence(counts, from, Math.max(to, from + 1));
      if (d < lowest) [lowest, best] = [d, [(low * k) / maxPercent, (high * k) / maxPercent]];
    }
    return best;
  }
}
