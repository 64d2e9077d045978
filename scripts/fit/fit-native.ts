/**
 * Costs of compiled code from traces: what a run of each segment takes, by function, by segment and by
 * features.
 *
 * In: modules with how often their segments ran, and the machine instructions of each
 * (scripts/fit/attribute.ts).  Out: NativeCosts. Of a function, or of a segment in its context, that several
 * modules have, the costs are those that most of the weight has: medians, or one module's, whichever tells
 * the sums of all modules best. What changes no module's count by a share of `least` is left to the context
 * inside it.
 */
import type { NativeCosts } from '../../host/fit/coefficients.ts';
import type { CompiledCounts } from '../../host/fit/counts.ts';
import { featureNames, functionKeys, type SegmentKeys, shapeOf } from '../../host/fit/segment-keys.ts';
import { attributed } from './attribute.ts';
import { nonNegative } from './least-squares.ts';
import type { Traced } from './trace.ts';

export interface TracedModule {
  counts: CompiledCounts;
  traced: Traced;
  codeSectionBytes: number;
}

interface Seen {
  keys: SegmentKeys[];
  /** Per module: how often each segment ran, what it took, and the module's instructions. */
  runs: Run[];
}

interface Run {
  counts: number[];
  took: number[];
  of: number;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function functionsSeen(modules: readonly TracedModule[]): Map<string, Seen> {
  const seen = new Map<string, Seen>();
  for (const { counts, traced } of modules) {
    const instructions = attributed(traced.pieces, counts);
    const of = sum(instructions.map(sum));
    for (const [f, fn] of counts.module.functions.entries()) {
      const list = [...(counts.segments[f] ?? []), ...(counts.firsts[f] ?? [])];
      const { whole, segments } = functionKeys(fn, list);
      const ran = list.map(({ counter }) => (counter === undefined ? 0 : (counts.all[counter] ?? 0)));
      if (sum(ran) === 0) continue;
      const entry = seen.get(whole) ?? { keys: segments, runs: [] };
      entry.runs.push({ counts: ran, took: instructions[f] ?? [], of });
      seen.set(whole, entry);
    }
  }
  return seen;
}

const rounded = (value: number): number => Number(value.toPrecision(4));

/** A cost is worth a place of its own beside another where that changes a module's count by this share. */
const least = 5e-4;

interface Cost {
  cost: number;
  weight: number;
  /** Runs for each instruction of the module. */
  share: number;
  /** The module, by its instructions. */
  of: number;
}

/**
 * Half of the weight is at or below it: a compiler that ran out of registers somewhere does not move it, as
 * it would a mean.
 */
function median(costs: readonly Pick<Cost, 'cost' | 'weight'>[]): number {
  const sorted = [...costs].sort((a, b) => a.cost - b.cost);
  let left = sum(sorted.map(({ weight }) => weight)) / 2;
  for (const { cost, weight } of sorted) {
    left -= weight;
    if (left <= 0) return cost;
  }
  return sorted.at(-1)?.cost ?? 0;
}

/** Whether another segment ran as often, so that code of one may have been taken for the other's. */
const ambiguous = (counts: readonly number[], s: number): boolean => counts.some((count, i) => i !== s && count === counts[s]);
/** What such a module's cost counts beside others'. */
const doubt = 0.02;

const costIn = ({ counts, took }: Run, s: number): number | undefined => (counts[s] ? (took[s] ?? 0) / counts[s] : undefined);
const told = (run: Run, costs: readonly (number | null)[]): number =>
  run.counts.reduce((all, count, s) => all + count * (costs[s] ?? 0), 0);

/**
 * Near the medians, and such that the least squares of the functions' sums are least: for what gcc inlines,
 * differently at every call.
 */
function smoothed(runs: readonly Run[], medians: readonly (number | null)[]): (number | null)[] {
  const totals = runs.map((run) => Math.max(1, sum(run.took)));
  const scale = medians.map((cost) => Math.max(1, Math.abs(cost ?? 1)));
  const rows = runs.map((run, r) => run.counts.map((count, s) => (count / (totals[r] as number)) * (scale[s] as number)));
  const start = medians.map((cost, s) => Math.max(0, cost ?? 0) / (scale[s] as number));
  // what takes the same everywhere stays
  const pull = medians.map((cost, s) => {
    const costs = runs.flatMap((run) => costIn(run, s) ?? []);
    return Math.max(...costs) - Math.min(...costs) > 0.3 * Math.max(1, cost ?? 1) ? 1e-3 : 1;
  });
  const solved = nonNegative(rows, totals.map(() => 1), pull, start); // biome-ignore format: one line
  return medians.map((cost, s) => (cost === null ? null : (solved[s] as number) * (scale[s] as number)));
}

/**
 * Costs of one function's segments; null where a segment never ran. A compiler makes a few variants of a
 * function: the costs are those of the module (or the medians) that tell most instructions of all modules.
 */
function costsOf({ keys, runs }: Seen): (number | null)[] {
  const weigh = (run: Run, s: number) => (sum(run.took) / run.of + 1e-6) * (ambiguous(run.counts, s) ? doubt : 1);
  const medians = keys.map((_, s) => {
    const costs = runs.flatMap((run) => costIn(run, s) ?? []);
    const weights = runs.flatMap((run) => (run.counts[s] ? weigh(run, s) : []));
    return costs.length > 0 ? median(costs.map((cost, i) => ({ cost, weight: weights[i] as number }))) : null;
  });
  const sure = runs.map((run) => medians.map((cost, s) => (ambiguous(run.counts, s) ? cost : (costIn(run, s) ?? cost))));
  const candidates = [medians, smoothed(runs, medians), ...sure];
  let best = medians;
  let farthest = Number.POSITIVE_INFINITY;
  for (const costs of candidates) {
    const off = sum(runs.map((run) => Math.abs(told(run, costs) - sum(run.took)) / run.of));
    if (off < farthest - 1e-9) [best, farthest] = [costs, off];
  }
  return best.map((cost) => cost && rounded(cost));
}

/**
 * More instructions a feature than this are those of a library, as many as its argument says: nothing that is
 * like it costs as much.
 */
const mostEach = 6;

/**
 * Modules that have a loop like another, below which its costs are no better than what all such loops take:
 * gcc makes two or three variants, and nothing tells which.
 */
const fewestModules = 3;

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
        const weight0 = (sum(took) / of + 1e-6) * (ambiguous(counts, s) ? doubt : 1);
        for (const context of key.contexts) {
          const kept = bySegment.get(context) ?? [];
          kept.push({ cost: (took[s] ?? 0) / count, weight: weight0, share: count / of, of });
          bySegment.set(context, kept);
        }
        const cost = (took[s] ?? 0) / count;
        const weight = (Math.sqrt(Math.max(0, took[s] ?? 0) / of) + 1e-3) / Math.max(1, cost);
        const size = sum(featureNames.map((name) => key.features[name] ?? 0));
        if (cost > mostEach * size) continue;
        rows.push(featureNames.map((name) => (key.features[name] ?? 0) * weight));
        costs.push(cost * weight);
      }
  }
  const solved = nonNegative(rows, costs);
  const segments: Record<string, number> = {};
  const similar = new Map<string, number>();
  const matters = (context: string, cost: number, other: number): boolean =>
    Math.abs(cost - other) * Math.max(0, ...(bySegment.get(context) ?? []).map(({ share }) => share)) > least;
  // from the narrowest to the widest: what says no more than the one inside is left out
  for (const { keys } of seen.values())
    for (const [s, { contexts }] of keys.entries())
      for (const [i, context] of [...contexts.entries()].reverse()) {
        const at = bySegment.get(context);
        if (!at || (context.startsWith('~') && new Set(at.map(({ of }) => of)).size < fewestModules)) continue;
        const cost = median(at);
        const inside = contexts.slice(i + 1).find((name) => segments[name] !== undefined);
        const counts = featureNames.map((name) => keys[s]?.features[name] ?? 0);
        if (inside === undefined && sum(counts) >= fewest && cost <= mostEach * sum(counts) && matters(context, cost, 0))
          similar.set(shapeOf(counts), rounded(cost));
        if (inside === undefined || matters(context, cost, segments[inside] as number)) segments[context] = rounded(cost);
      }
  const elsewhere = ({ contexts }: SegmentKeys): number =>
    segments[contexts.find((name) => segments[name] !== undefined) ?? ''] ?? 0;
  for (const [whole, { keys }] of seen) {
    const known = (functions[whole] ?? []).map((cost, s) =>
      cost === null || !matters((keys[s] as SegmentKeys).contexts[0] ?? '', cost, elsewhere(keys[s] as SegmentKeys))
        ? null
        : cost,
    );
    while (known.at(-1) === null) known.pop();
    functions[whole] = known;
  }
  return {
    functions,
    segments,
    similar: [...similar].map(([shape, cost]) => `${shape} ${cost}`),
    features: Object.fromEntries(featureNames.map((name, i) => [name, rounded(solved[i] ?? 0)])) as NativeCosts['features'],
    codeTimes: rounded(sum(modules.map(({ traced }) => traced.codeBytes)) / sum(modules.map((m) => m.codeSectionBytes))),
  };
}
