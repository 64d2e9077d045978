/**
 * Interface of observers. An observer reads the values of a tensor in calibration, and chooses the range that
 * int8 covers.
 *
 * In: blocks of float values.  Out: [min, max]. It always contains 0, so that 0 is exactly representable
 * (padding, ReLU).
 */
export interface Observer {
  observe(values: Float32Array): void;
  range(): [min: number, max: number];
  /** Number of observed values. */
  readonly count: number;
}

export const observerKinds = ['minmax', 'moving-average', 'percentile', 'entropy', 'mse'] as const;

export type ObserverKind = (typeof observerKinds)[number];
