/**
 * Means of activations without data, from the moments of batch normalisation and the clamp behind it.
 *
 *     E = mean (F(B) - F(A)) + deviation (f(A) - f(B)) + a F(A) + b (1 - F(B))
 *
 * for x ~ N(mean, deviation^2) behind the clamp [a, b],
 * with A = (a - mean) / deviation, B likewise; f and F are density and distribution of the standard normal.
 * The term of an infinite end is 0.
 * In: a float Graph whose layers kept their Moments.  Out: E of every channel of the tensors for which it is
 * known: outputs of such layers, and averages, sums, histories, slices and concatenations of them. It is
 * empty if the file has no batch normalisation (most exporters fold it).
 * Source: Nagel et al. 2019, arXiv 1906.04721, section 4.2.1 and appendix C (the clipped normal
 * distribution).  F to 1.5e-7: Abramowitz and Stegun 7.1.26.
 */
import { hasWeights } from '../../models/graph/channels.ts';
import type { Clamp, Graph, Node } from '../../models/graph/types.ts';
import { opOfNode } from '../../models/ops/index.ts';

const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

function distribution(x: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const tail = (series * Math.exp((-x * x) / 2)) / 2;
  return x >= 0 ? 1 - tail : tail;
}

/** Returns E[clamp(x)] of a normally distributed x. */
export function clippedMean(mean: number, deviation: number, [low, high]: Clamp): number {
  if (!(deviation > 0)) return Math.min(high, Math.max(low, mean));
  const [a, b] = [(low - mean) / deviation, (high - mean) / deviation];
  const [below, upTo] = [
    low === Number.NEGATIVE_INFINITY ? 0 : distribution(a),
    high === Number.POSITIVE_INFINITY ? 1 : distribution(b),
  ];
  const ends = (below > 0 ? low * below : 0) + (upTo < 1 ? high * (1 - upTo) : 0);
  const at = (x: number) => (Number.isFinite(x) ? density(x) : 0);
  return mean * (upTo - below) + deviation * (at(a) - at(b)) + ends;
}

function meansOf(node: Node, xs: (Float64Array | undefined)[]): Float64Array | undefined {
  if (hasWeights(node)) {
    const { moments, clamp } = node.attrs;
    return moments?.mean.map((mean, c) => clippedMean(mean, moments.deviation[c] as number, clamp));
  }
  return xs.every((x) => x !== undefined) ? opOfNode(node).means?.(node.attrs, xs) : undefined;
}

export function analyticMeans(graph: Graph): Map<number, Float64Array> {
  const known = new Map<number, Float64Array>();
  for (const node of graph.nodes) {
    const means = meansOf(
      node,
      node.inputs.map((id) => known.get(id)),
    );
    if (means) known.set(node.output, means);
  }
  return known;
}
