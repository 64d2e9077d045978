/**
 * Causal front end for photoplethysmography (PPG): band-pass, automatic gain, clip.
 *
 * In:   one raw sample at a time, any unit and offset, either polarity.
 * Out:  one dimensionless number in [-4, 4]; 1 is about the mean absolute level of the last seconds.
 *
 * Formula, with x0 the first sample and n = 1, 2, ... the samples seen:
 *
 *     u     = x - x0                                    removes the start-up step
 *     w     = lowpass(highpass(u))                      Butterworth, second order each, 0.5 Hz and 8 Hz
 *     level = level + max(alpha, 1/n) (|w| - level)     alpha = 1 - exp(-1 / (3 s * rate))
 *     out   = clip(w / max(level, floor), -4, 4)
 *
 * Source:    biquads from R. Bristow-Johnson, "Audio EQ Cookbook" (bilinear transform, Q = 1/sqrt 2), run in
 *            transposed direct form II; the gain is this project's own choice.
 * Exactness: float64, the same operations in the same order as models/zoo/ppg-hr/preprocess.py. A sample's
 *            output depends on earlier samples only, never on where a window starts, so it can be streamed.
 * Cost:      10 multiplications, 1 division and 5 numbers of state per sample; no allocation.
 */

/** Corner frequencies of the band-pass, in Hz. */
const HIGHPASS_HZ = 0.5;
const LOWPASS_HZ = 8;
/** Time constant of the automatic gain, in seconds. */
const TAU_S = 3;
/** Largest magnitude of the output. */
const LIMIT = 4;

/** Options of {@link ppgFrontEnd}. */
export interface PpgFrontEndOptions {
  /** Sample rate in Hz, above 16 (twice the upper corner). The zoo model ppg-hr needs 32. */
  readonly sampleRateHz: number;
  /** Lower bound of the divisor, in units of the input; it keeps a flat signal at 0. Default 1e-6. */
  readonly floor?: number;
}

/** A running front end. */
export interface PpgFrontEnd {
  /**
   * Takes the next raw sample (any unit) and returns the preprocessed one, in [-4, 4]. A sample that is not
   * finite is replaced by the one before it; before the first finite sample the output is 0.
   */
  push(sample: number): number;
  /** Forgets everything: the next sample is the first of a new recording. */
  reset(): void;
}

interface Biquad {
  readonly b0: number;
  readonly b1: number;
  readonly b2: number;
  readonly a1: number;
  readonly a2: number;
}

/** Butterworth biquad of the given kind, a0 normalised to 1; frequencies in Hz. */
function biquad(kind: 'highpass' | 'lowpass', cutoffHz: number, rateHz: number): Biquad {
  const omega = (2 * Math.PI * cutoffHz) / rateHz;
  const cosine = Math.cos(omega);
  const alpha = Math.sin(omega) / Math.sqrt(2);
  const a0 = 1 + alpha;
  const edge = kind === 'highpass' ? (1 + cosine) / 2 : (1 - cosine) / 2;
  const middle = kind === 'highpass' ? -(1 + cosine) : 1 - cosine;
  return { b0: edge / a0, b1: middle / a0, b2: edge / a0, a1: (-2 * cosine) / a0, a2: (1 - alpha) / a0 };
}

/**
 * Makes a front end for one PPG channel.
 *
 * @throws RangeError when the sample rate is not above 16 Hz or the floor is not above 0.
 */
export function ppgFrontEnd(options: PpgFrontEndOptions): PpgFrontEnd {
  const { sampleRateHz, floor = 1e-6 } = options;
  if (!(sampleRateHz > 2 * LOWPASS_HZ && sampleRateHz < Infinity)) {
    throw new RangeError(`ppgFrontEnd: sampleRateHz is ${sampleRateHz}, it must be above ${2 * LOWPASS_HZ} Hz`);
  }
  if (!(floor > 0)) throw new RangeError(`ppgFrontEnd: floor is ${floor}, it must be above 0`);
  const high = biquad('highpass', HIGHPASS_HZ, sampleRateHz);
  const low = biquad('lowpass', LOWPASS_HZ, sampleRateHz);
  const alpha = 1 - Math.exp(-1 / (TAU_S * sampleRateHz));

  let seen = 0;
  let offset = 0;
  let last = 0;
  let level = 0;
  let high1 = 0;
  let high2 = 0;
  let low1 = 0;
  let low2 = 0;

  return {
    push(sample) {
      if (Number.isFinite(sample)) {
        if (seen === 0) offset = sample;
        last = sample;
      } else if (seen === 0) {
        return 0;
      }
      seen += 1;

      const u = last - offset;
      const v = high.b0 * u + high1;
      high1 = high.b1 * u - high.a1 * v + high2;
      high2 = high.b2 * u - high.a2 * v;
      const w = low.b0 * v + low1;
      low1 = low.b1 * v - low.a1 * w + low2;
      low2 = low.b2 * v - low.a2 * w;

      level += Math.max(alpha, 1 / seen) * (Math.abs(w) - level);
      return Math.min(Math.max(w / Math.max(level, floor), -LIMIT), LIMIT);
    },
    reset() {
      seen = 0;
      offset = 0;
      last = 0;
      level = 0;
      high1 = 0;
      high2 = 0;
      low1 = 0;
      low2 = 0;
    },
  };
}
