/**
 * Resamples by a rational factor, for evaluation on recordings of another rate.
 *
 * In: samples, up, down.  Out: samples at rate * up / down.  Formula: y[n] = sum x[k] h(n * down / up - k),
 * with h a Hann-windowed sinc of 10 lobes per side and its cutoff at the lower Nyquist frequency. The first
 * and the last sample are repeated at the edges. Not causal: for files, not for streams.
 */
export function resample(x: Float64Array, up: number, down: number, lobes = 10): Float64Array {
  const cutoff = Math.min(1, up / down);
  const reach = lobes / cutoff;
  const h = (d: number): number => {
    if (Math.abs(d) >= reach) return 0;
    const a = Math.PI * d * cutoff;
    return cutoff * (a === 0 ? 1 : Math.sin(a) / a) * (0.5 + 0.5 * Math.cos((Math.PI * d) / reach));
  };
  return Float64Array.from({ length: Math.ceil((x.length * up) / down) }, (_, n) => {
    const centre = (n * down) / up;
    let sum = 0;
    let weight = 0;
    for (let k = Math.ceil(centre - reach); k <= centre + reach; k++) {
      const w = h(centre - k);
      sum += w * (x[Math.min(x.length - 1, Math.max(0, k))] as number);
      weight += w;
    }
    return sum / weight;
  });
}
