/**
 * Machine instructions of a hop of compiled code: how often each segment runs, times what it takes.
 *
 * In: hops counted as a compiler has the module (countCompiled), costs of a core.  Out: instructions of each
 * hop, and the shares of them that come from a function, a segment or features that were measured. Formula:
 * sum over segments of count * cost.
 */
import type { NativeCosts } from './coefficients.ts';
import type { CompiledCounts } from './counts.ts';
import { featureNames, functionKeys, type SegmentKeys } from './segment-keys.ts';

export interface CountedHops {
  /** Of each hop. */
  hops: number[];
  /**
   * Share of the instructions in functions that were measured, and in segments that were measured in another
   * function.
   */
  known: number;
  alike: number;
}

/** Features that may differ, as a share, from a segment that is called like it. */
const likeness = 0.3;

/**
 * The cost of the segment that is most like it, and of the features in which they differ; where none is like
 * it, of its features.
 */
function estimated({ features }: SegmentKeys, costs: NativeCosts): number {
  const counts = featureNames.map((name) => features[name] ?? 0);
  const prices = featureNames.map((name) => costs.features[name] ?? 0);
  const size = counts.reduce((a, b) => a + b, 0);
  let nearest = likeness * size;
  let cost = counts.reduce((sum, n, i) => sum + n * (prices[i] ?? 0), 0);
  for (const row of costs.similar) {
    const digit = (i: number) => Number.parseInt(row[i] as string, 36);
    let apart = 0;
    for (let i = 0; i < counts.length && apart < nearest; i++) apart += Math.abs(Math.min(35, counts[i] ?? 0) - digit(i));
    if (apart >= nearest) continue;
    nearest = apart;
    const change = counts.reduce((sum, n, i) => sum + (Math.min(35, n) - digit(i)) * (prices[i] ?? 0), 0);
    cost = Math.max(1, Number(row.slice(counts.length)) + change);
  }
  return cost;
}

/** Per counter its cost, and how it is known. */
function costsOf({ module, segments, firsts, counters }: CompiledCounts, costs: NativeCosts) {
  const cost = new Float64Array(counters);
  const kind = new Uint8Array(counters);
  for (const [f, fn] of module.functions.entries()) {
    const list = [...(segments[f] ?? []), ...(firsts[f] ?? [])];
    const keys = functionKeys(fn, list);
    const measured = costs.functions[keys.whole];
    for (const [s, { counter }] of list.entries()) {
      if (counter === undefined) continue;
      const key = keys.segments[s] as SegmentKeys;
      const context = key.contexts.find((name) => costs.segments[name] !== undefined);
      const elsewhere = context === undefined ? undefined : costs.segments[context];
      cost[counter] = measured?.[s] ?? elsewhere ?? estimated(key, costs);
      kind[counter] = elsewhere === undefined ? 0 : measured ? 2 : 1;
    }
  }
  return { cost, kind };
}

export function nativeCount(counts: CompiledCounts, costs: NativeCosts): CountedHops {
  const { cost, kind } = costsOf(counts, costs);
  const sums = [0, 0, 0];
  const hops = counts.hops.map((hop) => {
    let sum = 0;
    for (const [i, count] of hop.entries()) {
      const part = count * (cost[i] ?? 0);
      sum += part;
      const of = kind[i] ?? 0;
      sums[of] = (sums[of] ?? 0) + part;
    }
    return sum;
  });
  const all = sums.reduce((a, b) => a + b, 0) || 1;
  return { hops, known: (sums[2] ?? 0) / all, alike: (sums[1] ?? 0) / all };
}
