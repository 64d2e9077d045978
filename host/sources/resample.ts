/**
 * Converts a signal from one sample rate to another, piece by piece. Has no Node import.
 *
 * In: f32 samples at fromHz, in pieces of any length.  Out: f32 samples at toHz. Sample n is the signal at
 * time n / toHz, without delay. A push returns the samples whose neighbourhood is complete, flush the others.
 * Method: exact rational rates toHz / fromHz = L / M; y[n] = sum over k of x[k] h(n M / L - k). h is a sinc
 * with a Kaiser window. Each of the L phases has a filter of T taps, scaled to a sum of 1, so that a constant
 * signal is unchanged. The pass band is flat up to 15/16 of half the lower rate (7.5 kHz at 16 kHz, the band
 * of the micro front end); from half the lower rate on, attenuation is at least 96 dB: no alias and no image.
 * Source: Oppenheim and Schafer, Discrete-Time Signal Processing, 7.6 (Kaiser) and 4.6 (polyphase).
 * Exact: sums are in double precision and a fixed order, so any cutting of the signal gives the same bytes.
 * Cost: T multiplications per output sample (T = 208 * max(1, fromHz / toHz)). Memory: the filters (4 L T
 * bytes), T samples, and a piece.
 */
import { RunletError } from '../../models/error.ts';

/** Design attenuation of the stop band in dB, and Kaiser's beta for it. */
const attenuationDb = 100;
const beta = 0.1102 * (attenuationDb - 8.7);
/** Width of the transition band, as a fraction of half the lower rate. */
const transition = 1 / 16;
/** Maximum number of weights in the filters of all phases: 64 MB. */
const maxWeights = 1 << 24;

/** Modified Bessel function of the first kind, order 0. */
function bessel0(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-17 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

interface Filter {
  /** Number of output samples (L) for `down` input samples (M). */
  up: number;
  down: number;
  taps: number;
  /** f32 [phase][tap], the weight of the oldest sample first. */
  weights: Float32Array;
}

const refuse = (fromHz: number, toHz: number, why: string): RunletError =>
  new RunletError('RN773', {
    what: `${fromHz} Hz cannot be resampled to ${toHz} Hz`,
    where: 'resampler',
    why,
    tryThis: 'resample it with another tool, for example: ffmpeg -i in.wav -ar 16000 out.wav',
  });

function design(fromHz: number, toHz: number): Filter {
  for (const rate of [fromHz, toHz])
    if (!Number.isInteger(rate) || rate < 1 || rate > 0x7fffffff) throw refuse(fromHz, toHz, 'rates are whole numbers of Hz');
  const common = divisor(fromHz, toHz);
  const [up, down] = [toHz / common, fromHz / common];
  // lengths are in input samples; frequency 1 is half the input rate
  const stop = Math.min(1, up / down);
  const half = (attenuationDb - 7.95) / (2.285 * Math.PI * transition * stop) / 2;
  const taps = 4 * Math.ceil(half / 2);
  if (up * taps > maxWeights) throw refuse(fromHz, toHz, `the rates have little in common: ${up} filters of ${taps} taps`);
  const cutoff = stop * (1 - transition / 2);
  const scale = 1 / bessel0(beta);
  const weights = new Float32Array(up * taps);
  const row = new Float64Array(taps);
  for (let phase = 0; phase < up; phase++) {
    let sum = 0;
    for (let j = 0; j < taps; j++) {
      const t = j - taps / 2 + phase / up; // the newest sample is taps / 2 samples after the output
      const edge = 1 - (t / (taps / 2)) ** 2;
      const sinc = t === 0 ? 1 : Math.sin(Math.PI * cutoff * t) / (Math.PI * cutoff * t);
      const weight = edge < 0 ? 0 : sinc * bessel0(beta * Math.sqrt(edge)) * scale;
      row[j] = weight;
      sum += weight;
    }
    for (let j = 0; j < taps; j++) weights[phase * taps + taps - 1 - j] = (row[j] as number) / sum;
  }
  return { up, down, taps, weights };
}

/** Returns the sum of a[i + k] * b[j + k] for k < count, in four partial sums that the CPU can overlap. */
function dot(a: Float32Array, i: number, b: Float32Array, j: number, count: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let k = 0; k < count; k += 4) {
    s0 += (a[i + k] as number) * (b[j + k] as number);
    s1 += (a[i + k + 1] as number) * (b[j + k + 1] as number);
    s2 += (a[i + k + 2] as number) * (b[j + k + 2] as number);
    s3 += (a[i + k + 3] as number) * (b[j + k + 3] as number);
  }
  return s0 + s1 + (s2 + s3);
}

export class Resampler {
  readonly fromHz: number;
  readonly toHz: number;
  #filter: Filter | undefined;
  /** f32 [taps], the latest samples, newest last; zeros before the signal. */
  #held: Float32Array;
  /** Numbers of input and output samples so far. */
  #in = 0;
  #out = 0;
  /** The next output is `#ahead` + phase / up input samples after the newest input sample. */
  #ahead = 0;
  #phase = 0;

  /** @throws RN773 if a rate is not an integer, or the filters need too much memory. */
  constructor(fromHz: number, toHz: number) {
    this.fromHz = fromHz;
    this.toHz = toHz;
    this.#filter = fromHz === toHz ? undefined : design(fromHz, toHz);
    this.#held = new Float32Array(this.#filter?.taps ?? 0);
    this.reset();
  }

  /** Number of input samples that must follow an output before it is returned. */
  get lookAheadSamples(): number {
    return this.#filter ? this.#filter.taps / 2 : 0;
  }

  /** Begins a new signal. */
  reset(): void {
    this.#held.fill(0);
    [this.#in, this.#out, this.#phase, this.#ahead] = [0, 0, 0, 1];
  }

  /** Adds input samples; returns the output samples that become complete, in a new array. */
  push(samples: Float32Array): Float32Array {
    this.#in += samples.length;
    return this.#filter ? this.#run(samples, Number.POSITIVE_INFINITY, this.#filter) : samples.slice();
  }

  /**
   * Ends the signal: returns the remaining samples, with zeros after the signal, so that the total is
   * ceil(samples * toHz / fromHz). Then begins a new signal.
   */
  flush(): Float32Array {
    const filter = this.#filter;
    const rest = filter
      ? this.#run(new Float32Array(filter.taps), Math.ceil((this.#in * filter.up) / filter.down) - this.#out, filter)
      : new Float32Array(0);
    this.reset();
    return rest;
  }

  #run(samples: Float32Array, maxOutputs: number, { up, down, taps, weights }: Filter): Float32Array {
    const all = new Float32Array(taps + samples.length);
    all.set(this.#held);
    all.set(samples, taps);
    const newest = samples.length - taps / 2; // the last position with complete outputs, in samples of this piece
    const count = Math.max(
      0,
      Math.min(maxOutputs, Math.floor(((newest - this.#ahead + 1) * up - this.#phase + down - 1) / down)),
    );
    const out = new Float32Array(count);
    let [at, phase] = [this.#ahead, this.#phase];
    for (let n = 0; n < count; n++) {
      const oldest = at + taps / 2; // index into all
      out[n] = dot(weights, phase * taps, all, oldest, taps);
      phase += down;
      at += Math.floor(phase / up);
      phase %= up;
    }
    this.#out += count;
    this.#phase = phase;
    this.#ahead = at - samples.length;
    this.#held.set(all.subarray(samples.length));
    return out;
  }
}

/** Resamples frames [frames][elements], each element independently. @throws RN773 */
export async function* resampled(
  frames: AsyncIterable<Float32Array>,
  elements: number,
  fromHz: number,
  toHz: number,
): AsyncGenerator<Float32Array> {
  const resamplers = Array.from({ length: elements }, () => new Resampler(fromHz, toHz));
  const together = (parts: Float32Array[]): Float32Array => {
    const [first] = parts;
    if (elements === 1 && first) return first;
    const out = new Float32Array((first?.length ?? 0) * elements);
    for (const [e, part] of parts.entries()) for (let n = 0; n < part.length; n++) out[n * elements + e] = part[n] as number;
    return out;
  };
  for await (const chunk of frames) {
    const count = chunk.length / elements;
    const out = together(
      resamplers.map((r, e) =>
        r.push(elements === 1 ? chunk : Float32Array.from({ length: count }, (_, n) => chunk[n * elements + e] as number)),
      ),
    );
    if (out.length > 0) yield out;
  }
  const rest = together(resamplers.map((r) => r.flush()));
  if (rest.length > 0) yield rest;
}
