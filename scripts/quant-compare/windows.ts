/**
 * Calibration and evaluation windows for the comparison of quantisers.
 *
 * In: a folder of recordings (RUNLET_DATA, or ../shared/data beside the clone).  Out: float32 windows
 * [n][frames][channels] for draws of calibration data, held-out windows for evaluation, and labels (a rate
 * for ppg-hr). Subjects, records, speakers and speeds of the evaluation windows are not in the calibration
 * windows.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { classes, rateHz as ecgHz, window as ecgWindow, readRecords, sampleOf } from '../../host/demo/ecg-records.ts';
import { axes, hop as harHop, window as harWindow, readSubjects } from '../../host/demo/har-recordings.ts';
import { readClips } from '../../host/demo/kws-clips.ts';
import { frontEnd, channels as kwsChannels, rows as kwsRows, realRows } from '../../host/demo/kws-model.ts';
import { readWelltory } from '../../host/demo/ppg-recordings.ts';
import { shuffled } from '../../host/demo/shuffled.ts';
import { root, zooArray } from '../../host/demo/zoo.ts';
import { uniform } from '../../models/xorshift.ts';
import { FrontEndReference } from '../../quant/frontend/reference.ts';
import { readFan } from './fan.ts';

/** Draws `count` of n indexes in random order. */
export const drawn = (seed: number, count: number, n: number): Int32Array =>
  Int32Array.from(shuffled(n, uniform(seed)).slice(0, count));

export type Base = 'ppg-hr' | 'har-watch' | 'har-phone' | 'ecg' | 'kws' | 'fan' | 'vibration';

export interface Windows {
  frames: number;
  channels: number;
  /** [n][frames][channels] */
  calibration: Float32Array;
  /** Labels of the calibration windows, for networks that are trained here. */
  labels: Float64Array;
  evaluation: Float32Array;
  /** Label of each evaluation window, or its rate in beats per minute. */
  truth: Float64Array;
}

export const dataFolder = process.env.RUNLET_DATA ?? join(root, '..', 'shared', 'data');
const sets: Record<Base, string> = {
  'ppg-hr': 'ppg-welltory',
  'har-watch': 'har-uji',
  'har-phone': 'har-uji',
  ecg: 'mitdb-mlii',
  kws: 'gsc12-test',
  fan: 'fan-vibration',
  vibration: 'fan-vibration',
};
/** Returns the folder of a base's recordings, or undefined. */
export const folderOf = (base: Base): string | undefined => {
  const path = join(dataFolder, sets[base]);
  return existsSync(path) ? path : undefined;
};

/** Collects windows with their truth. */
class Collector {
  readonly windows: Float32Array[] = [];
  readonly truth: number[] = [];
  add(window: Float32Array, truth = 0): void {
    this.windows.push(window);
    this.truth.push(truth);
  }
  joined(picked?: Int32Array): { data: Float32Array; truth: Float64Array } {
    const order = picked ?? Int32Array.from(this.windows, (_, i) => i);
    const each = this.windows[0]?.length ?? 0;
    const data = new Float32Array(order.length * each);
    for (const [i, w] of order.entries()) data.set(this.windows[w] as Float32Array, i * each);
    return { data, truth: Float64Array.from(order, (w) => this.truth[w] as number) };
  }
}

function cut(
  into: Collector,
  signal: Float32Array,
  channels: number,
  frames: number,
  hop: number,
  truthOf: (n: number) => number,
) {
  for (let n = 0; (n * hop + frames) * channels <= signal.length; n++)
    into.add(signal.slice(n * hop * channels, (n * hop + frames) * channels), truthOf(n));
}

const finished = (frames: number, channels: number, pool: Collector, judged: Collector, maxJudged = 3000): Windows => {
  const evaluation = judged.joined(drawn(7, maxJudged, judged.windows.length).sort());
  const calibration = pool.joined();
  return {
    frames,
    channels,
    calibration: calibration.data,
    labels: calibration.truth,
    evaluation: evaluation.data,
    truth: evaluation.truth,
  };
};

/** Hop of the windows for calibration and training. */
const trainHop = 16;

function har(folder: string, device: 'watch' | 'phone'): Windows {
  const [pool, judged] = [new Collector(), new Collector()];
  for (const { fold, signal, labels } of readSubjects(folder, device)) {
    const isJudged = fold === 0;
    cut(
      isJudged ? judged : pool,
      signal,
      axes,
      harWindow,
      isJudged ? harHop : trainHop,
      (n) => labels[harWindow / 2 + n * (isJudged ? harHop : trainHop)] as number,
    );
  }
  return finished(harWindow, axes, pool, judged);
}

/**
 * Collects evaluation windows around the R marks of each record, and around the middle between beats for
 * every third mark. Calibration has a window every 10 s.
 */
function ecg(folder: string): Windows {
  const [pool, judged] = [new Collector(), new Collector()];
  for (const { fold, signal, marks } of readRecords(folder)) {
    if (fold !== 0) {
      cut(pool, signal, 1, ecgWindow, 10 * ecgHz, () => 0);
      continue;
    }
    const first = sampleOf(0);
    marks.forEach(([sample, beatClass], i) => {
      if (beatClass >= classes.length) return;
      const start = sample - first;
      if (start >= 0 && start + ecgWindow <= signal.length) judged.add(signal.slice(start, start + ecgWindow), 1 + beatClass);
      const next = marks[i + 1]?.[0];
      if (i % 3 !== 0 || next === undefined || next - sample < 90) return;
      const between = Math.round((sample + next) / 2) - first;
      if (between >= 0 && between + ecgWindow <= signal.length) judged.add(signal.slice(between, between + ecgWindow), 0);
    });
  }
  return finished(ecgWindow, 1, pool, judged);
}

function kws(folder: string): Windows {
  const [pool, judged] = [new Collector(), new Collector()];
  const reference = new FrontEndReference(frontEnd);
  for (const { pcm, label, fold } of readClips(folder)) {
    const stored = new Int8Array(kwsRows * kwsChannels);
    let at = 0;
    reference.reset();
    reference.push(pcm, () => {
      stored.set(reference.row, at);
      at += kwsChannels;
    });
    (fold === 0 ? judged : pool).add(realRows(stored), label);
  }
  return finished(kwsRows, kwsChannels, pool, judged);
}

/**
 * Collects windows of 312 + 256 samples, with real history instead of zero padding. Calibration uses the
 * zoo's simulated signal.
 */
function ppg(folder: string): Windows {
  const frames = 568;
  const [pool, judged] = [new Collector(), new Collector()];
  cut(pool, zooArray('ppg-hr', 'calib.npy').data as Float32Array, 1, frames, 64, () => 0);
  for (const { signal, truth } of readWelltory(folder))
    for (let from = 64; from + frames <= signal.length; from += 64) {
      const rate = truth[from + frames - 1] as number;
      if (rate > 0) judged.add(signal.slice(from, from + frames), rate);
    }
  return finished(frames, 1, pool, judged);
}

/** Simulates a vibration sensor: a high-pass with one pole at 0.25 Hz, limited to +-1 g. */
function vibration(signal: Float32Array): Float32Array {
  const slow = 1 - Math.exp((-2 * Math.PI * 0.25) / 50);
  const still = [0, 1, 2].map((axis) => signal[axis] as number);
  return signal.map((v, i) => {
    const level = (still[i % 3] as number) + slow * (v - (still[i % 3] as number));
    still[i % 3] = level;
    return Math.max(-1, Math.min(1, v - level));
  });
}

function fan(folder: string, measured: (signal: Float32Array) => Float32Array): Windows {
  const [pool, judged] = [new Collector(), new Collector()];
  for (const { signal, label, kept } of readFan(folder))
    cut(kept ? judged : pool, measured(signal), 3, 128, kept ? 8 : 16, () => label);
  return finished(128, 3, pool, judged);
}

export function windowsOf(base: Base, folder: string): Windows {
  if (base === 'har-watch' || base === 'har-phone') return har(folder, base === 'har-watch' ? 'watch' : 'phone');
  if (base === 'fan') return fan(folder, (signal) => signal);
  if (base === 'vibration') return fan(folder, vibration);
  return { ecg, kws, 'ppg-hr': ppg }[base](folder);
}
