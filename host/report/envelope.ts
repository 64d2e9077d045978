/**
 * Reduces a long signal to the minimum and maximum of each stretch, so that a plot keeps its extremes.
 *
 * In: n values.  Out: at most `stretches` pairs. NaN is skipped; a stretch with only NaN gives NaN.
 * Cost: one pass.
 */

export interface Envelope {
  /** f64 [stretches]: index of the first value, minimum and maximum. */
  starts: Float64Array;
  low: Float64Array;
  high: Float64Array;
}

/** Returns the envelope of the values. */
export function envelope(values: ArrayLike<number>, stretches: number): Envelope {
  const count = Math.min(values.length, Math.max(1, Math.floor(stretches)));
  const result = { starts: new Float64Array(count), low: new Float64Array(count), high: new Float64Array(count) };
  for (let s = 0; s < count; s++) {
    const from = Math.floor((s * values.length) / count);
    const to = Math.floor(((s + 1) * values.length) / count);
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = from; i < to; i++) {
      const value = values[i] as number;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    result.starts[s] = from;
    result.low[s] = low <= high ? low : Number.NaN;
    result.high[s] = low <= high ? high : Number.NaN;
  }
  return result;
}
