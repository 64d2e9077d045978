/**
 * Upper bounds on the error of a pooled row that is reused at a hop that is not a multiple of the pool
 * length.
 *
 * In: pool length, hop, and the band or the measured slope of the pool's input.  Out: a bound on |error| of
 * one pool layer.
 * Source: StreamiNNC section 1.6, equations 3 to 6, and the sharper form with r = hop mod p. It is no bound
 * on the network's output: non-linearities widen the band, and every pool lowers the rate of the layers
 * behind it.
 */

export interface PoolBand {
  /** Pool length p, equal to the stride. */
  poolLength: number;
  /** Hop in frames of the pool's input. */
  hop: number;
  /** A = sup |x(t)| of the pool's input. */
  amplitude: number;
  /** Highest frequency in the pool's input. */
  maxFrequencyHz: number;
  /** Rate of the pool's input, Hz: the signal's rate over the product of the strides before this layer. */
  sampleRateHz: number;
}

/**
 * Returns r, the number of frames by which the two pooling windows of one row differ after one hop. After n
 * hops on one grid it is n * hop mod p.
 */
export const poolOffset = (hop: number, poolLength: number): number => hop % poolLength;

/** Upper bound of the change between two samples: 2 pi A fmax / fs (equation 3; Bernstein's inequality). */
export const bandSlope = ({ amplitude, maxFrequencyHz, sampleRateHz }: PoolBand): number =>
  (2 * Math.PI * amplitude * maxFrequencyHz) / sampleRateHz;

/** |error| <= r * maxSlope, with the measured maxSlope = max |x[t] - x[t - 1]|, without a band limit. */
export const slopeBound = (offset: number, maxSlope: number): number => offset * maxSlope;

/**
 * |error| <= min(r * 2 pi A fmax / fs, 2A) for maximum, average and sub-sampling; 0 at an aligned hop. For an
 * average, 2A becomes 2A * r / p, because the two windows share p - r samples.
 */
export function poolingBound(band: PoolBand, pooling: 'any' | 'average' = 'any'): number {
  const offset = poolOffset(band.hop, band.poolLength);
  const largest = 2 * band.amplitude * (pooling === 'average' ? offset / band.poolLength : 1);
  return offset === 0 ? 0 : Math.min(slopeBound(offset, bandSlope(band)), largest);
}

/**
 * The paper's bound for any hop: (p - 1) * 2 pi A fmax / fs (equations 4 to 6), with the largest r and
 * without the limit 2A.
 */
export const paperPoolingBound = (band: PoolBand): number => slopeBound(band.poolLength - 1, bandSlope(band));
