/**
 * Measures the times of several subjects in one run. Their rounds alternate, so that other load on the
 * machine affects all of them equally.
 *
 * In: functions that run one hop.  Out: median, 5th and 95th percentile in microseconds per hop.  Times hold
 * for one machine; ratios within one run carry over to others.
 */

import { Bench } from 'tinybench';
import { append } from '../../models/lists.ts';
import { quantile } from '../statistics.ts';

export interface Subject {
  name: string;
  /** Runs one hop (or window). */
  run(): void;
}

export interface Times {
  name: string;
  medianUs: number;
  p5Us: number;
  p95Us: number;
}

/** Minimum duration of a sample, so that the clock's resolution does not matter. */
const sampleUs = 40;
const samplesPerRound = 10;
/** Upper bound of a round's duration; rounds of slow subjects have fewer samples. */
const roundUs = 30_000;
/** Warm-up for the engine's optimising compiler: this number of hops or this time, whichever ends first. */
const warmUp = { hops: 2000, ms: 400 };

interface Pace {
  /** Hops per sample. */
  hops: number;
  samples: number;
}

function paceOf(run: () => void): Pace {
  const began = performance.now();
  for (let i = 0; i < warmUp.hops && performance.now() - began < warmUp.ms; i++) run();
  for (let hops = 1; ; hops *= 2) {
    const before = performance.now();
    for (let i = 0; i < hops; i++) run();
    const us = 1000 * (performance.now() - before);
    if (us >= sampleUs || hops >= 4096)
      return { hops, samples: Math.max(1, Math.min(samplesPerRound, Math.floor(roundUs / us))) };
  }
}

/** Measures one round. @returns its samples in microseconds per hop */
function round({ name, run }: Subject, { hops, samples }: Pace): number[] {
  const bench = new Bench({ time: 0, iterations: samples, warmup: false, retainSamples: true });
  bench.add(name, () => {
    for (let i = 0; i < hops; i++) run();
  });
  bench.runSync();
  const { result } = bench.tasks[0] ?? {};
  if (!result || !('latency' in result)) throw new Error(`${name}: no times`);
  return Array.from(result.latency.samples ?? [], (ms) => (1000 * ms) / hops);
}

export function interleaved(subjects: readonly Subject[], rounds: number): Times[] {
  const paces = subjects.map(({ run }) => paceOf(run));
  const samples = subjects.map((): number[] => []);
  for (let r = 0; r < rounds; r++)
    for (const [i, subject] of subjects.entries()) append(samples[i] as number[], round(subject, paces[i] as Pace));
  return subjects.map(({ name }, i) => {
    const all = samples[i] as number[];
    return { name, medianUs: quantile(all, 0.5), p5Us: quantile(all, 0.05), p95Us: quantile(all, 0.95) };
  });
}
