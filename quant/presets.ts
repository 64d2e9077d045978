/**
 * How to quantise: the methods that there are, and three sets of them.
 *
 * In: a preset and what the caller wants otherwise.  Out: all methods.
 */
import type { ObserverKind } from './observers/observer.ts';

export interface Methods {
  /** Ranges of activations. */
  observer: ObserverKind;
  /** Of values that `percentile` covers. */
  percentile: number;
  /**
   * Which ranges of `mse` become narrower where that is better at the model's outputs: none, those of its
   * inputs and of what saturates, or all (quant/methods/narrow-ranges.ts).
   */
  narrow: 'none' | 'inputs' | 'all';
  /** Scale channels against each other before ranges are taken (quant/methods/equalise.ts). */
  equalise: boolean;
  /**
   * Zero points where the range wants them, or 0 (scale = largest magnitude / 127). What a specification
   * fixes stays.
   */
  activations: 'asymmetric' | 'symmetric';
  /**
   * Take the shift of means that rounding makes back in the bias: with means measured in calibration (true),
   * or with those that batch normalisation states, where the file still had it (`analytic`; measured
   * elsewhere). quant/methods/correct-bias.ts
   */
  biasCorrection: boolean | 'analytic';
  /** Weights to the nearest step, or up and down so that errors cancel (quant/methods/round-weights.ts). */
  rounding: 'nearest' | 'together';
  /** A scale for each output channel, or one for all weights of a layer. */
  weightScales: 'per-channel' | 'per-tensor';
}

export const presetNames = ['fast', 'good', 'best'] as const;
export type Preset = (typeof presetNames)[number];

const fast: Methods = {
  observer: 'minmax',
  percentile: 99.99,
  narrow: 'none',
  activations: 'asymmetric',
  equalise: false,
  biasCorrection: false,
  rounding: 'nearest',
  weightScales: 'per-channel',
};

export const presets: Record<Preset, Methods> = {
  fast,
  good: { ...fast, observer: 'mse', narrow: 'inputs', equalise: true, biasCorrection: true },
  best: { ...fast, observer: 'mse', narrow: 'all', equalise: true, biasCorrection: true, rounding: 'together' },
};

export const methodsOf = (how: Partial<Methods> & { preset?: Preset }): Methods => {
  const chosen = { ...presets[how.preset ?? 'good'] };
  for (const key of Object.keys(fast) as (keyof Methods)[])
    if (how[key] !== undefined) Object.assign(chosen, { [key]: how[key] });
  return chosen;
};
