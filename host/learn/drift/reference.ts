/**
 * Reference of a stream: what its statistics were over a span of clean signal, and where alarms begin.
 *
 * In: blocks of the span.  Out: limits, middles and run lengths per statistic; histograms; as plain values.
 * Statistics of a block: the features of each channel, then PSI and KS of each histogram (channels, then
 * outputs). Histograms of the reference's own blocks are compared with all others, as a new block will be.
 * Rule: false-alarms.ts. A limit lies a tenth of its distance from the median outside the reference, and at
 * least `smallest` from the median. A smaller change is no drift, even if it is certain.
 */

import { maxOf, minOf } from '../../../models/lists.ts';
import { quantile } from '../../statistics.ts';
import { dependenceOf, falseAlarms, runFor } from './false-alarms.ts';
import { ks, psi } from './histogram.ts';
import { at, type Feature, features } from './meter.ts';

/** What was measured in one block. */
export interface Block {
  /** Features of each channel, one after the other. */
  features: Float64Array; // [channel][feature]
  /** Counts of each channel and each output. */
  counts: Uint32Array[]; // [channel, then output][bin]
}

/** A statistic in the reference. JSON has no infinity, so a side that is not watched has no run. */
interface Limit {
  low: number | null;
  middle: number;
  high: number | null;
  /** Blocks in a row beyond a limit that make an alarm; null if the reference is too short for one. */
  run: number | null;
}

export interface Reference {
  channels: number;
  blockTicks: number;
  /** Edges and counts of each histogram. */
  edges: number[][];
  counts: number[][];
  limits: Limit[];
  /** Expected false alarms per day, by the rule of false-alarms.ts. */
  falseAlarmsPerDay: number;
}

interface ReferenceOptions {
  channels: number;
  blockTicks: number;
  blocksPerDay: number;
  /** Upper bound of false alarms per day. */
  perDay: number;
  edges: number[][];
}

/**
 * Smallest change that counts as drift. Logarithms: a tenth is about 10 %. Mean: in standard deviations of
 * the reference. PSI: values under 0.1 count as no change (Siddiqi 2006). Others are choices.
 */
const smallest: Record<Feature, number> = {
  ...{ mean: 0.1, scale: 0.1, floor: 0.1, rough: 0.1, slope: 0.1, crossings: 0.1, ends: 0.01, flat: 0.05, skew: 0.2, link: 0.1 },
};
const smallestDistance = { psi: 0.1, ks: 0.05 };
const margin = 0.1;

/** Returns all statistics of a block against counts of the reference. */
export function statisticsOf({ features: found, counts }: Block, reference: readonly ArrayLike<number>[]): Float64Array {
  const all = new Float64Array(found.length + 2 * counts.length);
  all.set(found);
  for (const [i, mine] of counts.entries()) {
    all[found.length + 2 * i] = psi(reference[i] as ArrayLike<number>, mine);
    all[found.length + 2 * i + 1] = ks(reference[i] as ArrayLike<number>, mine);
  }
  return all;
}

function sumOf(blocks: readonly Block[], which: number): number[] {
  const sum = Array.from(blocks[0]?.counts[which] ?? [], () => 0);
  for (const { counts } of blocks) for (const [bin, n] of (counts[which] as Uint32Array).entries()) (sum[bin] as number) += n;
  return sum;
}

/** Returns the smallest change of statistic `i` that counts. @param scale that of its channel */
function smallestOf(i: number, features: number, scale: number, name: Feature): number {
  if (i >= features) return (i - features) % 2 === 0 ? smallestDistance.psi : smallestDistance.ks;
  return smallest[name] * (name === 'mean' ? Math.exp(scale) : 1);
}

/** Makes the reference of its blocks. */
export function referenceOf(blocks: readonly Block[], options: ReferenceOptions): Reference {
  const { channels, blockTicks, blocksPerDay, perDay, edges } = options;
  const counts = edges.map((_, which) => sumOf(blocks, which));
  const rows = blocks.map((block) => {
    const others = counts.map((all, i) => all.map((n, bin) => n - (block.counts[i]?.[bin] as number)));
    return statisticsOf(block, others);
  });
  const width = features.length * channels;
  const total = rows[0]?.length ?? 0;
  // features can leave the reference on two sides, distances on one
  const sides = 2 * width + (total - width);
  let falseAlarmsPerDay = 0;
  const limits = Array.from({ length: total }, (_, i): Limit => {
    const values = rows.map((row) => row[i] as number).filter(Number.isFinite);
    const middle = quantile(values, 0.5);
    if (values.length < rows.length / 2) return { low: null, middle: 0, high: null, run: null };
    const dependence = dependenceOf(values);
    const run = runFor(values.length, blocksPerDay, perDay / sides, dependence);
    const isFeature = i < width;
    if (Number.isFinite(run))
      falseAlarmsPerDay += (isFeature ? 2 : 1) * falseAlarms(values.length, run, blocksPerDay, dependence);
    const [most, least] = [maxOf(values), minOf(values)];
    // only the smallest change of a mean depends on the scale
    const isMean = isFeature && i % features.length === at.mean;
    const scale = isMean
      ? quantile(
          rows.map((row) => row[i - at.mean + at.scale] as number),
          0.5,
        )
      : 0;
    const change = smallestOf(i, width, scale, features[i % features.length] as Feature);
    const high = Math.max(most + margin * (most - middle), middle + change);
    const low = Math.min(least - margin * (middle - least), middle - change);
    return { low: isFeature ? low : null, middle, high, run: Number.isFinite(run) ? run : null };
  });
  return { channels, blockTicks, edges, counts, limits, falseAlarmsPerDay };
}
