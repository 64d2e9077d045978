/**
 * Times of several subjects in one run: in turn, a round of each after a round of the others, so that what
 * else the machine does hits all alike.
 *
 * In: functions that do one hop.  Out: microseconds a hop, sorted, per subject.  Times are of one machine;
 * ratios of one run carry over.
 */

import { Bench } from 'tinybench';
import { append } from '../../models/lists.ts';
import { quantile } from '../statistics.ts';

export interface Subject {
  name: string;
  /** One hop (or window). */
  run(): void;
}

export interface Times {
  name: string;
  medianUs: number;
  p5Us: number;
  p95Us: number;
}

/** A sample lasts about so long, so that the clock's steps do not show. */
const sampleUs = 40;
const samplesARound = 10;
/** A slow subject's round has fewer samples, so that it ends after about so long. */
const roundUs = 30_000;
/** The engine's optimising compiler gets its turn: so many hops, or so long. */
const warmUp = { hops: 2000, ms: 400 };

interface Pace {
  /** Hops that make a sample. */
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
    if (us >= sampleUs || hops >= 4096) return { hops, samples: Math.max(1, Math.min(samplesARound, Math.floor(roundUs / us))) };
  }
}

/** Samples of one round, microseconds a hop. */
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
