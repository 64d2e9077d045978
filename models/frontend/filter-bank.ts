/**
 * The mel filter bank: overlapping triangles between the centre frequencies.
 *
 * In: channels, band, sample rate and FFT length.  Out: FilterBank (bands without the library's padding,
 * whose weights are 0), or undefined if the band takes the last bin. Source: filterbank_util.c (`library`,
 * `newlib`) and filter_bank_ops.py (`signal`). Both compute in float32, but the latter truncates the weights
 * instead of rounding them and computes bins in double precision. Cost: O(bins).
 */
import { classicLog1p, f32, mel, roundedLog1p, roundHalfEven } from './float32.ts';
import { slaneyBank } from './librosa.ts';
import type { FilterBank, FrontEndParameters } from './types.ts';

type Wanted = Pick<FrontEndParameters, 'sampleRateHz' | 'channels' | 'lowerHz' | 'upperHz' | 'tables'>;

export function filterBank(wanted: Wanted, fftSamples: number): FilterBank | undefined {
  const { channels, tables } = wanted;
  if (tables === 'librosa') return slaneyBank(wanted, fftSamples);
  const [lower, upper] = [f32(wanted.lowerHz), f32(wanted.upperHz)];
  const bins = fftSamples / 2 + 1;
  const log1p = tables === 'newlib' ? classicLog1p : roundedLog1p;
  const low = mel(lower, log1p);
  const spacing = f32(f32(mel(upper, log1p) - low) / (channels + 1));
  const centre = (channel: number) => f32(low + f32(spacing * (channel + 1)));
  const exact = wanted.sampleRateHz / 2 / (bins - 1);
  const signal = tables === 'signal';
  const binHz = signal ? exact : f32(exact);
  const melOf = (bin: number) => mel(f32(bin * binHz), log1p);
  const first = signal ? roundHalfEven(1 + wanted.lowerHz / binHz) : Math.trunc(f32(1.5 + f32(lower / binHz)));
  const toWeight = (x: number) => (signal ? Math.trunc(x * 4096) : Math.floor(f32(f32(x * 4096) + 0.5)));
  const starts = new Int16Array(channels + 1);
  const widths = new Int16Array(channels + 1);
  const weights: number[] = [];
  const unweights: number[] = [];
  let bin = first;
  for (let band = 0; band <= channels; band++) {
    const [from, to] = [band === 0 ? low : centre(band - 1), centre(band)];
    starts[band] = bin;
    for (; bin < bins && melOf(bin) <= to; bin++) {
      const weight = f32(f32(to - melOf(bin)) / f32(to - from));
      weights.push(toWeight(weight));
      unweights.push(toWeight(f32(1 - weight)));
    }
    widths[band] = bin - (starts[band] as number);
  }
  // the library refuses a band that takes the last bin
  if (bin >= bins) return undefined;
  return { starts, widths, weights: Int16Array.from(weights), unweights: Int16Array.from(unweights) };
}
