/**
 * Costs of compiled code from traces: what a run of each segment takes, by function, by segment and by features.
 *
 * In: modules with how often their segments ran and the machine instructions that a trace put there.  Out: NativeCosts.
 * A compiler moves instructions out of loops and into others (unrolling, memset for a loop of stores), so where a function was seen in several modules its costs are those that
 * give its sums, non-negative and near the ratios that the traces show.
 */
import type { NativeCosts } from '../../host/fit/coefficients.ts';
import type { HopCounts } from '../../host/fit/counts.ts';
import { featureNames, functionKeys, type SegmentKeys, shapeOf } from '../../host/fit/segment-keys.ts';
import { nonNegative } from './least-squares.ts';
import type { Traced } from './trace.ts';

export interface TracedModule {
  counts: HopCounts;
  traced: Traced;
  codeSectionBytes: number;
}

interface Seen {
  keys: SegmentKeys[];
  /** Per module: how often each segment ran, what it took, and the module's instructions. */
  runs: { counts: number[]; took: number[]; of: number }[];
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Instructions that stand in code that never ran belong to what ran before them. */
function moved(counts: readonly number[], took: readonly number[]): number[] {
  const result = [...took];
  let last = counts.findIndex((count) => count > 0);
  for (const [s, count] of counts.entries()) {
    if (count > 0) last = s;
    else if (last >= 0 && last !== s) {
      result[last] = (result[last] ?? 0) + (result[s] ?? 0);
      result[s] = 0;
    }
  }
  return result;
}

function functionsSeen(modules: readonly TracedModule[]): Map<string, Seen> {
  const seen = new Map<string, Seen>();
  for (const { counts, traced } of modules) {
    const of = sum(traced.instructions.map(sum));
    for (const [f, fn] of counts.module.functions.entries()) {
      const list = counts.segments[f] ?? [];
      const { whole, segments } = functionKeys(fn, list);
      const ran = list.map(({ counter }) => (counter === undefined ? 0 : (counts.all[counter] ?? 0)));
      if (sum(ran) === 0) continue;
      const entry = seen.get(whole) ?? { keys: segments, runs: [] };
      entry.runs.push({ counts: ran, took: moved(ran, traced.instructions[f] ?? []), of });
      seen.set(whole, entry);
    }
  }
  return seen;
}

const rounded = (value: number): number => Number(value.toPrecision(4));

/** Whether a cost is worth a place of its own beside another: more than 1 %. */
const differs = (cost: number, other: number): boolean => Math.abs(cost - other) > 0.01 * Math.max(cost, 0.05);

/** Costs of one function's segments; null where a segment never ran. */
function costsOf({ keys, runs }: Seen): (number | null)[] {
  const guess = keys.map((_, s) => {
    const took = sum(runs.map((run) => (run.took[s] ?? 0) / run.of));
    const count = sum(runs.map((run) => (run.counts[s] ?? 0) / run.of));
    return count > 0 ? took / count : null;
  });
  if (runs.length < 2) return guess.map((cost) => cost && rounded(cost));
  // rows are relative to what the function took, so that every module counts alike
  const totals = runs.map((run) => sum(run.took) || 1);
  const scale = guess.map((cost) => Math.max(1, cost ?? 1));
  const rows = runs.map((run, r) => keys.map((_, s) => ((run.counts[s] ?? 0) / (totals[r] ?? 1)) * (scale[s] ?? 1)));
  // what takes the same everywhere stays; only where a compiler moved instructions the ratios differ
  const varies = keys.map((_, s) => {
    const ratios = runs.flatMap((run) => ((run.counts[s] ?? 0) > 0 ? [(run.took[s] ?? 0) / (run.counts[s] ?? 1)] : []));
    return Math.max(...ratios) - Math.min(...ratios) > 0.3 * Math.max(1, guess[s] ?? 1);
  });
  const ones = totals.map(() => 1);
  const start = guess.map((cost, s) => (cost ?? 0) / (scale[s] ?? 1));
  const solved = nonNegative(
    rows,
    ones,
    varies.map((v) => (v ? 1e-4 : 3e-3)),
    start,
  );
  return guess.map((cost, s) => (cost === null ? null : rounded((solved[s] ?? 0) * (scale[s] ?? 1))));
}

interface Cost {
  cost: number;
  weight: number;
}

/** Half of the weight is at or below it: a compiler that ran out of registers somewhere does not move it, as it would a mean. */
function median(costs: Cost[]): number {
  const sorted = [...costs].sort((a, b) => a.cost - b.cost);
  let left = sum(sorted.map(({ weight }) => weight)) / 2;
  for (const { cost, weight } of sorted) {
    left -= weight;
    if (left <= 0) return cost;
  }
  return sorted.at(-1)?.cost ?? 0;
}

/** Features of a segment, below which one like it tells nothing. */
const fewest = 8;

export function fitNative(modules: readonly TracedModule[]): NativeCosts {
  const functions: NativeCosts['functions'] = {};
  const bySegment = new Map<string, Cost[]>();
  const rows: number[][] = [];
  const costs: number[] = [];
  const seen = functionsSeen(modules);
  for (const [whole, entry] of seen) {
    functions[whole] = costsOf(entry);
    for (const { counts, took, of } of entry.runs)
      for (const [s, key] of entry.keys.entries()) {
        const count = counts[s] ?? 0;
        if (count === 0) continue;
        for (const context of key.contexts) {
          const kept = bySegment.get(context) ?? [];
          kept.push({ cost: (took[s] ?? 0) / count, weight: (took[s] ?? 0) / of + 1e-6 });
          bySegment.set(context, kept);
        }
        const cost = (took[s] ?? 0) / count;
        const weight = (Math.sqrt((took[s] ?? 0) / of) + 1e-3) / Math.max(1, cost);
        rows.push(featureNames.map((name) => (key.features[name] ?? 0) * weight));
        costs.push(cost * weight);
      }
  }
  const solved = nonNegative(rows, costs);
  const segments: Record<string, number> = {};
  const similar: string[] = [];
  // from the narrowest to the widest: what says no more than the one inside is left out
  for (const { keys } of seen.values())
    for (const [s, { contexts }] of keys.entries())
      for (const [i, context] of [...contexts.entries()].reverse()) {
        const at = bySegment.get(context);
        if (!at) continue;
        const cost = median(at);
        const inside = contexts.slice(i + 1).find((name) => segments[name] !== undefined);
        const counts = featureNames.map((name) => keys[s]?.features[name] ?? 0);
        if (inside === undefined && sum(counts) >= fewest && !segments[context])
          similar.push(`${shapeOf(counts)} ${rounded(cost)}`);
        if (inside === undefined || differs(cost, segments[inside] as number)) segments[context] = rounded(cost);
      }
  const elsewhere = ({ contexts }: SegmentKeys): number =>
    segments[contexts.find((name) => segments[name] !== undefined) ?? ''] ?? 0;
  for (const [whole, { keys }] of seen) {
    const known = (functions[whole] ?? []).map((cost, s) =>
      cost === null || !differs(cost, elsewhere(keys[s] as SegmentKeys)) ? null : cost,
    );
    while (known.at(-1) === null) known.pop();
    functions[whole] = known;
  }
  return {
    functions,
    segments,
    similar,
    features: Object.fromEntries(featureNames.map((name, i) => [name, rounded(solved[i] ?? 0)])) as NativeCosts['features'],
    codeTimes: rounded(sum(modules.map(({ traced }) => traced.codeBytes)) / sum(modules.map((m) => m.codeSectionBytes))),
  };
}
