/**
 * Decimation that keeps extremes: a long signal as the minimum and maximum of each stretch.
 *
 * In: n values.  Out: at most `stretches` pairs.  Nothing that a plot could show is lost: each pixel column
 * draws its range.
 * Cost: one pass. NaN is left out; a stretch of NaN alone gives NaN.
 */

export interface Envelope {
  /** First value's index of each stretch, and min and max over it. */
  starts: Float64Array;
  low: Float64Array;
  high: Float64Array;
}

/** The envelope of values[0, length). */
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
