/**
 * Generated signals: `gen:sine?freq=1&seconds=60&noise=0.1`.
 *
 * In: a kind and parameters.  Out: frames; the same spec always gives the same frames (a seeded generator).
 * Kinds: sine, chirp (from `freq` to `to`), noise (white), steps (random levels), ecg and ppg (periodic sums
 * of Gaussians with a slowly varying rate, which is their truth). They are for trying things out, not for
 * measuring accuracy.
 */

import { RunletError } from '../../models/error.ts';
import { uniform } from '../../models/xorshift.ts';
import { Chunker, lengthText, numberOf, type Source, type SourceOptions, Track } from './source.ts';

/** Parameters with their defaults; the default of `rate` is the model's rate, else 100 Hz. */
const defaults = {
  freq: 1, // Hz
  to: 5, // chirp: final frequency, Hz
  amplitude: 1,
  offset: 0,
  noise: 0, // standard deviation
  seconds: 60,
  seed: 1,
  bpm: 70, // ecg, ppg: mean rate
  spread: 8, // ecg, ppg: about the amplitude of the rate's variation
  rate: 100, // Hz
};
type Parameters = typeof defaults;

/** A beat as a sum of Gaussians: [height, centre, width]; centre and width in beats. */
const beats: Record<string, [number, number, number][]> = {
  ecg: [
    [0.13, 0.2, 0.022],
    [-0.12, 0.366, 0.009],
    [1, 0.4, 0.011],
    [-0.24, 0.436, 0.011],
    [0.3, 0.68, 0.045],
  ],
  ppg: [
    [1, 0.3, 0.1],
    [0.38, 0.62, 0.13],
  ],
};

const kinds = ['sine', 'chirp', 'noise', 'steps', 'ecg', 'ppg'] as const;
type Kind = (typeof kinds)[number];

/** Returns a generator of uniform numbers in [0, 1). Near seeds give unlike numbers. */
const spreadUniform = (seed: number): (() => number) => uniform(Math.imul(seed, 0x9e3779b1) ^ 0x6a09e667);

/** Returns a generator of standard normal numbers (Box and Muller, 1958). */
function normal(seed: number): () => number {
  const next = spreadUniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/**
 * Parses a spec without its `gen:`.
 * @throws RN736 if the kind or a parameter is unknown, or a value is out of range.
 */
export function parseGenerator(spec: string, rateHz?: number): { kind: Kind; p: Parameters } {
  const bad = (what: string, why: string): never => {
    throw new RunletError('RN736', {
      what,
      where: `gen:${spec.slice(0, 80)}`,
      why,
      tryThis: 'gen:sine?freq=1&seconds=60&noise=0.1',
    });
  };
  const [name = '', query = ''] = spec.split('?', 2);
  const kind = kinds.find((k) => k === name) ?? bad(`there is no generator '${name}'`, `there are ${kinds.join(', ')}`);
  const p = { ...defaults, rate: rateHz ?? defaults.rate };
  for (const [key, text] of new URLSearchParams(query)) {
    if (!Object.hasOwn(defaults, key)) bad(`there is no parameter '${key}'`, `there are ${Object.keys(defaults).join(', ')}`);
    p[key as keyof Parameters] = numberOf(text) ?? bad(`'${text}' is not a number`, `${key} must be a number`);
  }
  if (!(p.rate > 0 && Number.isFinite(p.rate))) bad('the rate is out of range', 'it must be above 0 Hz');
  if (!(p.seconds > 0)) bad('the length is out of range', 'seconds must be above 0 (Infinity never ends)');
  if (!(p.bpm - 2 * Math.abs(p.spread) > 0)) bad('the pulse is out of range', 'bpm must be above twice the spread');
  for (const key of Object.keys(p) as (keyof Parameters)[])
    if (key !== 'seconds' && !Number.isFinite(p[key])) bad(`${key} is out of range`, 'it must be finite');
  return { kind, p };
}

const wave = (gaussians: [number, number, number][], phase: number): number => {
  let sum = 0;
  for (const [height, centre, width] of gaussians)
    for (const turn of [-1, 0, 1]) sum += height * Math.exp(-0.5 * ((phase - centre + turn) / width) ** 2);
  return sum;
};

/**
 * Returns a function (n, e) that gives the signal without noise at frame n, element e. Elements differ in
 * phase. Call it with rising n.
 */
function signalOf(kind: Kind, p: Parameters, elements: number, truth: Track | undefined): (n: number, e: number) => number {
  const random = normal(p.seed + 1);
  const shift = (e: number) => e / elements;
  if (kind === 'sine') return (n, e) => Math.sin(2 * Math.PI * ((p.freq * n) / p.rate + shift(e)));
  if (kind === 'chirp') {
    const slope = (p.to - p.freq) / (Number.isFinite(p.seconds) ? p.seconds : 60);
    return (n, e) => Math.sin(2 * Math.PI * (p.freq * (n / p.rate) + 0.5 * slope * (n / p.rate) ** 2 + shift(e)));
  }
  if (kind === 'noise') return () => random();
  if (kind === 'steps') {
    const held = Math.max(1, Math.round(p.rate / p.freq));
    const level = new Float64Array(elements);
    return (n, e) => {
      if (n % held === 0) level[e] = random();
      return level[e] as number;
    };
  }
  let phase = 0;
  return (n, e) => {
    const seconds = n / p.rate;
    if (e === 0) {
      // two slow waves: breathing and drift
      const bpm =
        p.bpm + p.spread * (0.3 * Math.sin(2 * Math.PI * 0.25 * seconds) + Math.sin(2 * Math.PI * 0.02 * seconds + p.seed));
      phase = (phase + bpm / 60 / p.rate) % 1;
      truth?.push(bpm);
    }
    return wave(beats[kind] as [number, number, number][], (phase + 0.05 * shift(e)) % 1);
  };
}

/** Makes a source of generated frames. @throws RN736 */
export function generatedSource(spec: string, options: SourceOptions): Source {
  const { kind, p } = parseGenerator(spec, options.sampleRateHz);
  const total = Math.max(1, Math.round(p.seconds * p.rate));
  const truth = kind in beats && options.truth !== undefined ? new Track() : undefined;
  async function* frames(): AsyncGenerator<Float32Array> {
    const chunker = new Chunker(options.frameElements);
    const signal = signalOf(kind, p, options.frameElements, truth);
    const noise = normal(p.seed);
    for (let n = 0; n < total; n++) {
      let chunk: Float32Array | undefined;
      for (let e = 0; e < options.frameElements; e++) {
        const value = p.offset + p.amplitude * signal(n, e) + (p.noise ? p.noise * noise() : 0);
        chunk = chunker.push(value) ?? chunk;
      }
      if (chunk) yield chunk;
    }
    const chunk = chunker.rest();
    if (chunk) yield chunk;
  }
  return {
    frames: frames(),
    totalFrames: Number.isFinite(total) ? total : undefined,
    sampleRateHz: p.rate,
    describe: `generated ${kind}: ${p.rate} Hz, ${Number.isFinite(total) ? lengthText(total, p.rate) : 'endless'}`,
    truth,
  };
}
