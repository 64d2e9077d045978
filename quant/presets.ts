/**
 * Quantisation methods, and three presets of them.
 *
 * In: a preset, and methods that override it.  Out: the complete set of methods.
 */
import type { ObserverKind } from './observers/observer.ts';

export interface Methods {
  /** How ranges of activations are chosen. */
  observer: ObserverKind;
  /** Percentage of the values that the range of observer `percentile` covers. */
  percentile: number;
  /**
   * Which ranges of observer `mse` may become narrower if this reduces the noise at the model's outputs:
   * none, those of inputs and of tensors that only saturating operators read, or all
   * (quant/methods/narrow-ranges.ts).
   */
  narrow: 'none' | 'inputs' | 'all';
  /** True: scales channels against each other before ranges are chosen (quant/methods/equalise.ts). */
  equalise: boolean;
  /**
   * Zero points from the range, or always 0 (then scale = largest magnitude / 127). Scales that a
   * specification fixes do not change.
   */
  activations: 'asymmetric' | 'symmetric';
  /**
   * True: the bias compensates the shift of output means that rounding weights causes, with means measured in
   * calibration. `analytic`: with the means of batch normalisation for layers whose file still has it, else
   * measured (quant/methods/correct-bias.ts).
   */
  biasCorrection: boolean | 'analytic';
  /** Rounds weights to nearest, or up or down so that errors cancel (quant/methods/round-weights.ts). */
  rounding: 'nearest' | 'together';
  /** One scale for each output channel, or one for all weights of a layer. */
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
