/**
 * The made faults of `npm run eval:drift`, with the time in which each must be seen and the cause that is
 * right.
 *
 * In: a clean source.  Out: the source with the fault.
 * Rule of the times, fixed before any measurement. A run is four blocks or more of about a minute, and a
 * fault begins inside a block. `plain` faults change every block by more than people change from minute to
 * minute: twice a run of four, 8 minutes. `slight` faults change each block by about as much as that: 15
 * minutes. `hidden` ones keep most features and need a run by chance: 30 minutes.
 */
import type { Cause } from '../learn/drift/cause.ts';
import { type Draw, normals, type Source } from './drift-signals.ts';
import { noise as householdNoise } from './kws-noise.ts';

export type Family = 'har' | 'ecg' | 'kws';

/** What a fault is made of. */
interface Made {
  source: Source;
  draw: Draw;
  /** Another person of the same family. */
  other: () => Source;
}

export interface Fault {
  family: Family;
  name: string;
  strength: string;
  minutes: number;
  cause: Cause;
  make(made: Made): Source;
}

const [plain, slight, hidden] = [8, 15, 30];
const channelsOf = { har: 6, ecg: 1, kws: 1 };
type Change = (x: number, channel: number, index: number) => number;

const each =
  (family: Family, change: Change) =>
  ({ source }: Made): Source => {
    const channels = channelsOf[family];
    return (frames) => source(frames).map((x, i) => change(x, i % channels, i));
  };

const gain = (family: Family, factor: number, of = (_: number) => true) => each(family, (x, c) => (of(c) ? factor * x : x));
const offset = (family: Family, shift: number, of = (_: number) => true) => each(family, (x, c) => (of(c) ? x + shift : x));
const dead = (family: Family, value: number, of = (_: number) => true) => each(family, (x, c) => (of(c) ? value : x));
const clip = (family: Family, limit: number, of = (_: number) => true) =>
  each(family, (x, c) => (of(c) ? Math.max(-limit, Math.min(limit, x)) : x));
const white =
  (family: Family, deviation: number, of = (_: number) => true) =>
  (made: Made): Source => {
    const normal = normals(made.draw);
    return each(family, (x, c) => (of(c) ? x + deviation * normal() : x))(made);
  };
const swap =
  (a: number, b: number) =>
  ({ source }: Made): Source =>
  (frames) => {
    const x = source(frames);
    for (let i = 0; i < x.length; i += 6) [x[i + a], x[i + b]] = [x[i + b] as number, x[i + a] as number];
    return x;
  };

/** Reads the signal `speed` times as fast, by linear interpolation: the sender samples at 1 / speed. */
const rate =
  (family: Family, speed: number) =>
  ({ source }: Made): Source => {
    const channels = channelsOf[family];
    let [frame, next, at] = [source(1), source(1), 0];
    return (frames) => {
      const x = new Float32Array(frames * channels);
      for (let n = 0; n < frames; n++, at += speed) {
        for (; at >= 1; at--) [frame, next] = [next, source(1)];
        for (let c = 0; c < channels; c++)
          x[n * channels + c] = (frame[c] as number) + at * ((next[c] as number) - (frame[c] as number));
      }
      return x;
    };
  };

/** A microphone's curve: one pole at `hz`, low pass, or what is left without it. */
const curve =
  (hz: number, isHigh: boolean) =>
  ({ source }: Made): Source => {
    const step = 1 - Math.exp((-2 * Math.PI * hz) / 16000);
    let low = 0;
    return (frames) =>
      source(frames).map((x) => {
        low += step * (x - low);
        return isHigh ? x - low : low;
      });
  };

const hum =
  (rateHz: number, hz: number, height: number) =>
  ({ source }: Made): Source => {
    let n = 0;
    return (frames) => source(frames).map((x) => x + height * Math.sin((2 * Math.PI * hz * n++) / rateHz));
  };

/** Sound of a household, at a peak. */
const household =
  (peak: number) =>
  ({ source, draw }: Made): Source =>
  (frames) => {
    const sound = householdNoise('machine', frames, draw);
    return source(frames).map((x, i) => x + peak * (sound[i] as number));
  };

const another = ({ other }: Made): Source => other();
const [gyros, accelerations] = [(c: number) => c >= 3, (c: number) => c < 3];

type Row = [name: string, strength: string, minutes: number, cause: Cause, make: Fault['make']];
const rows: Record<Family, Row[]> = {
  har: [
    ['gain, all axes', 'x 0.5', plain, 'gain', gain('har', 0.5)],
    ['gain, all axes', 'x 1.3', slight, 'gain', gain('har', 1.3)],
    ['gain, gyroscope', 'x 2', plain, 'gain', gain('har', 2, gyros)],
    ['offset, accelerations', '0.3 g', plain, 'offset', offset('har', 0.3, accelerations)],
    ['offset, gz', '25 deg/s', slight, 'offset', offset('har', 0.1, (c) => c === 5)],
    ['dead axis ax', '0', plain, 'dead', dead('har', 0, (c) => c === 0)],
    ['dead axis gz', '0', plain, 'dead', dead('har', 0, (c) => c === 5)],
    ['dead gyroscope', '0', plain, 'dead', dead('har', 0, gyros)],
    ['swapped axes ax, ay', '', plain, 'swapped', swap(0, 1)],
    ['swapped axes gx, gz', '', slight, 'swapped', swap(3, 5)],
    ['half rate', '25 Hz', plain, 'rate', rate('har', 2)],
    ['another rate', '40 Hz', slight, 'rate', rate('har', 1.25)],
    ['clipping, gyroscope', '75 deg/s', plain, 'saturation', clip('har', 0.3, gyros)],
    ['noise, all axes', '0.15', plain, 'noise', white('har', 0.15)],
    ['noise, ax', '0.1 g', slight, 'noise', white('har', 0.1, (c) => c === 0)],
    ['another subject', '', hidden, 'other', another],
  ],
  ecg: [
    ['gain', 'x 0.5', plain, 'gain', gain('ecg', 0.5)],
    ['gain', 'x 1.3', slight, 'gain', gain('ecg', 1.3)],
    ['offset', '0.3 mV', plain, 'offset', offset('ecg', 0.3)],
    ['dead, lead off', '0', plain, 'dead', dead('ecg', 0)],
    ['half rate', '90 Hz', plain, 'rate', rate('ecg', 2)],
    ['another rate', '144 Hz', slight, 'rate', rate('ecg', 1.25)],
    ['clipping', '0.4 mV', plain, 'saturation', clip('ecg', 0.4)],
    ['noise', '0.1 mV', plain, 'noise', white('ecg', 0.1)],
    ['noise', '0.04 mV', slight, 'noise', white('ecg', 0.04)],
    ['hum of 50 Hz', '0.1 mV', plain, 'noise', hum(180, 50, 0.1)],
    ['inverted leads', 'x -1', plain, 'other', gain('ecg', -1)],
    ['another subject', '', hidden, 'other', another],
  ],
  kws: [
    ['gain', '-12 dB', plain, 'gain', gain('kws', 0.25)],
    ['gain', '-4 dB', slight, 'gain', gain('kws', 0.63)],
    ['offset', '300 of 32768', plain, 'offset', offset('kws', 300)],
    ['dead microphone', '0', plain, 'dead', dead('kws', 0)],
    ['half rate', '8 kHz', plain, 'rate', rate('kws', 2)],
    ['another rate', '12 kHz', slight, 'rate', rate('kws', 4 / 3)],
    ['clipping', '1000 of 32768', plain, 'saturation', clip('kws', 1000)],
    ['noise, white', '-50 dB', plain, 'noise', white('kws', 100)],
    ['noise, a machine', '-30 dB', plain, 'noise', household(1000)],
    ['microphone, low pass', '1 kHz', plain, 'other', curve(1000, false)],
    ['microphone, high pass', '500 Hz', plain, 'other', curve(500, true)],
    ['another speaker alone', '', hidden, 'other', another],
  ],
};

export const faults: Fault[] = (Object.entries(rows) as [Family, Row[]][]).flatMap(([family, all]) =>
  all.map(([name, strength, minutes, cause, make]) => ({ family, name, strength, minutes, cause, make })),
);
