/**
 * What an observer is: it sees the values that a tensor takes in calibration and says which range int8 shall
 * cover.
 *
 * In: blocks of float values.  Out: [min, max], always containing 0, so that zero is representable exactly
 * (padding, ReLU).
 */
export interface Observer {
  observe(values: Float32Array): void;
  range(): [min: number, max: number];
  /** Values seen. */
  readonly count: number;
}

export const observerKinds = ['minmax', 'moving-average', 'percentile', 'entropy', 'mse'] as const;

export type ObserverKind = (typeof observerKinds)[number];
