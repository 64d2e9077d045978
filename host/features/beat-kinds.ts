/**
 * Ventricular or not: each beat that host/features/beats.ts found, held against the beats of the same patient
 * so far.
 *
 * In: the signal (mV) as it comes; beats with the sample that they are at.  Out: their class, when they are
 * found: nothing is waited for.
 *
 * Templates (beat-templates.ts) also keep running means (over 16 beats) of v, early and notV, the share of N,
 * S and F in the scores. The usual template is that with the largest sqrt(weight) x notV. The features of a
 * beat, `own` its template:
 *
 *     v, s           ln V / (N + S + F) of its sums of scores; ln S / 3
 *     early          ln of the time since the last beat / that between usual beats
 *     alike          2ab / (aa + bb) with the usual one
 *     correlation    ab / sqrt(aa bb) with the usual one
 *     share          weight of own / of all
 *     kindV          mean of v of own
 *     kindEarly      mean of early of own
 *     usualV         mean of v of the usual one
 *     energy         ln of aa, against the usual one
 *     width          ln of |a| / length of way, against the usual one
 *     uneven         mean of |ln| of one time between beats / the one before
 *     usual          1 if own is the usual one
 *
 * V where bias + the weighted sum of (feature - mean) / scale, at most 4 either way, is above 0; otherwise
 * that of N + V, S and F with the largest sum.
 * Source: this project's own rule; models/zoo/ecg/kinds.py is the same over a whole record and fits the
 * weights (models/zoo/ecg/kinds.json).
 * Cost: some 10,000 multiply-adds a beat, constant memory.
 */
import { beatTemplates, energyOf, largest } from './beat-templates.ts';
import type { Beat } from './beats.ts';

const limit = 4;
const [shortestRr, longestRr] = [36, 360];

/**
 * A logistic regression over the 13 features: v, s, early, alike, correlation, share, kindV, kindEarly,
 * usualV, energy, width, uneven, usual.
 */
export interface KindWeights {
  readonly mean: readonly number[];
  readonly scale: readonly number[];
  readonly weights: readonly number[];
  readonly bias: number;
}

export interface BeatKinds {
  /** Takes the next samples of the signal. */
  push(samples: ArrayLike<number>): void;
  /**
   * The next beat with its class. Its sample and 39 more have been pushed, not more than 470 (what is not
   * there counts as 0).
   */
  judge(beat: Beat, sample: number): Beat;
  /** The features of the beat judged last. */
  readonly features: Float64Array;
}

const clip = (x: number, low: number, high: number) => Math.min(high, Math.max(low, x));
const ratio = (a: number, b: number) => Math.log(clip(a / b, 0.3, 3));

/** Length of the way up and down, against the size: what is narrow has much. */
function courseOf(wave: Float64Array): number {
  let way = 0;
  for (let n = 1; n < wave.length; n++) way += Math.abs((wave[n] as number) - (wave[n - 1] as number));
  return way / Math.sqrt(energyOf(wave) + 0.01);
}

export function beatKinds({ mean, scale, weights, bias }: KindWeights): BeatKinds {
  const { all, wave, push, join } = beatTemplates(() => ({ v: 0, early: 0, notV: 0 }));
  const features = new Float64Array(13);
  let [lastPlace, lastRr, usualRr, uneven, lastUsual] = [Number.NaN, 0, 0, 0.1, false];

  function measure({ sums }: Beat, sample: number): void {
    const [n = 0, s = 0, v = 0, f = 0] = sums;
    const { template: own, isNew, place } = join(sample);
    const rr = Number.isNaN(lastPlace) ? 0 : clip(place - lastPlace, shortestRr, longestRr);
    const early = usualRr > 0 ? ratio(rr, usualRr) : 0;
    if (lastRr > 0) uneven += (Math.abs(ratio(rr, lastRr)) - uneven) / 16;
    const logV = Math.log(v + 0.01) - Math.log(n + s + f + 0.01);
    const rate = isNew ? 1 : Math.max(1 / own.weight, 1 / 16);
    own.v += rate * (logV - own.v);
    own.early += rate * (early - own.early);
    own.notV += rate * (1 - v / (n + s + v + f + 1e-9) - own.notV);
    const usual = largest(all, (t) => Math.sqrt(t.weight) * t.notV);
    const isUsual = usual === own;
    if (isUsual && lastUsual && rr > 0) usualRr += (rr - usualRr) / (usualRr > 0 ? 16 : 1);
    [lastPlace, lastRr, lastUsual] = [place, rr, isUsual];
    const itself = isNew && isUsual;
    features.set([
      logV,
      Math.log((s + 0.01) / 3),
      early,
      itself ? 1 : usual.alike,
      itself ? 1 : usual.correlation,
      own.weight / all.reduce((sum, t) => sum + t.weight, 0),
      own.v,
      own.early,
      usual.v,
      Math.log((energyOf(wave) + 0.01) / (energyOf(usual.wave) + 0.01)),
      Math.log((courseOf(usual.wave) + 0.1) / (courseOf(wave) + 0.1)),
      uneven,
      isUsual ? 1 : 0,
    ]);
  }

  return {
    push,
    features,
    judge(beat, sample) {
      measure(beat, sample);
      let evidence = bias;
      for (const [i, x] of features.entries()) {
        evidence += (weights[i] as number) * clip((x - (mean[i] as number)) / (scale[i] as number), -limit, limit);
      }
      const [n = 0, s = 0, v = 0, f = 0] = beat.sums;
      const other = f > n + v && f > s ? 3 : s > n + v ? 1 : 0;
      return { ...beat, beatClass: evidence > 0 ? 2 : other };
    },
  };
}
