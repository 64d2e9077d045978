/**
 * Decides whether a beat of host/features/beats.ts is ventricular, by comparison with the patient's earlier
 * beats.
 *
 * In: the signal (mV) in order; beats with their sample.  Out: the class of each beat, without further delay.
 *
 * Templates (beat-templates.ts) also keep running means (over 16 beats) of v, early and notV, the share of N,
 * S and F in the scores. The usual template is the one with the largest sqrt(weight) x notV. Features of a
 * beat with wave a and template T; the usual template has wave b:
 *
 *     v, s           ln V / (N + S + F) of its sums of scores; ln S / 3
 *     early          ln of the time since the last beat / time between usual beats
 *     alike          2ab / (aa + bb)
 *     correlation    ab / sqrt(aa bb)
 *     share          weight of T / weight of all templates
 *     kindV          mean of v of T
 *     kindEarly      mean of early of T
 *     usualV         mean of v of the usual template
 *     energy         ln of aa / bb
 *     width          ln of |a| / path length of a, relative to b
 *     uneven         mean of |ln| of one time between beats / the preceding one
 *     usual          1 if T is the usual template
 *
 * A beat is V if bias + the weighted sum of (feature - mean) / scale, each limited to -4..4, is above 0.
 * Otherwise its class is the one of N + V, S and F with the largest sum.
 * Source: this project's own rule; models/zoo/ecg/kinds.py applies it to a whole record and fits the weights
 * (models/zoo/ecg/kinds.json).  Cost: about 10,000 multiply-adds per beat, constant memory.
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
   * Returns the next beat with its class. 39 to 470 samples after that of the beat must have been pushed;
   * missing samples count as 0.
   */
  judge(beat: Beat, sample: number): Beat;
  /** Features of the beat that was judged last. */
  readonly features: Float64Array;
}

const clip = (x: number, low: number, high: number) => Math.min(high, Math.max(low, x));
const ratio = (a: number, b: number) => Math.log(clip(a / b, 0.3, 3));

/** Path length of a wave relative to its size; narrow waves have a long path. */
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
    const { template, isNew, place } = join(sample);
    const rr = Number.isNaN(lastPlace) ? 0 : clip(place - lastPlace, shortestRr, longestRr);
    const early = usualRr > 0 ? ratio(rr, usualRr) : 0;
    if (lastRr > 0) uneven += (Math.abs(ratio(rr, lastRr)) - uneven) / 16;
    const logV = Math.log(v + 0.01) - Math.log(n + s + f + 0.01);
    const rate = isNew ? 1 : Math.max(1 / template.weight, 1 / 16);
    template.v += rate * (logV - template.v);
    template.early += rate * (early - template.early);
    template.notV += rate * (1 - v / (n + s + v + f + 1e-9) - template.notV);
    const usual = largest(all, (t) => Math.sqrt(t.weight) * t.notV);
    const isUsual = usual === template;
    if (isUsual && lastUsual && rr > 0) usualRr += (rr - usualRr) / (usualRr > 0 ? 16 : 1);
    [lastPlace, lastRr, lastUsual] = [place, rr, isUsual];
    const itself = isNew && isUsual;
    features.set([
      logV,
      Math.log((s + 0.01) / 3),
      early,
      itself ? 1 : usual.alike,
      itself ? 1 : usual.correlation,
      template.weight / all.reduce((sum, t) => sum + t.weight, 0),
      template.v,
      template.early,
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
