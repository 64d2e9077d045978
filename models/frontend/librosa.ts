/**
 * Tables as librosa makes them: Slaney's mel bands of equal area, and a periodic Hann window.
 *
 * In: channels, band, sample rate, lengths.  Out: FilterBank, and a window. Source: librosa.filters.mel
 * (htk=False, norm='slaney'), scipy.signal.get_window('hann', fftbins=True). Weights are 2^18 times
 * librosa's. For a spectrum of 512 points, which is divided by its length, the square root of a channel is
 * then that of librosa's power of int16 samples.
 */
import { badFrontEnd, type FilterBank, type FrontEndParameters } from './types.ts';

const gain = 2 ** 18;

/** Mel scale: steps of 200 / 3 Hz below 1 kHz, and 27 steps per factor of 6.4 above. */
const knee = 1000;
const linear = 200 / 3;
const logarithmic = Math.log(6.4) / 27;
const melOf = (hz: number): number => (hz < knee ? hz / linear : knee / linear + Math.log(hz / knee) / logarithmic);
const hzOf = (mel: number): number => (mel * linear < knee ? mel * linear : knee * Math.exp(logarithmic * (mel - knee / linear)));

type Wanted = Pick<FrontEndParameters, 'sampleRateHz' | 'channels' | 'lowerHz' | 'upperHz'>;

/** @throws RN506 if bands are so narrow that their weights exceed int16 */
export function slaneyBank({ sampleRateHz, channels, lowerHz, upperHz }: Wanted, fftSamples: number): FilterBank {
  const [low, high] = [melOf(lowerHz), melOf(upperHz)];
  const edges = Array.from({ length: channels + 2 }, (_, i) => hzOf(low + ((high - low) * i) / (channels + 1)));
  const hz = (bin: number): number => (bin * sampleRateHz) / fftSamples;
  const starts = new Int16Array(channels + 1);
  const widths = new Int16Array(channels + 1);
  const weights: number[] = [];
  const unweights: number[] = [];
  let bin = Math.ceil((lowerHz * fftSamples) / sampleRateHz);
  for (let band = 0; band <= channels; band++) {
    const [from, to] = [edges[band] as number, edges[band + 1] as number];
    // channel `which` reaches from edge `which` to the one after the next
    const weight = (which: number, share: number): number => {
      if (which < 0 || which >= channels) return 0;
      return Math.round((share * gain * 2) / ((edges[which + 2] as number) - (edges[which] as number)));
    };
    starts[band] = bin;
    for (; bin < fftSamples / 2 && hz(bin) <= to; bin++) {
      const share = (hz(bin) - from) / (to - from);
      weights.push(weight(band - 1, 1 - share));
      unweights.push(weight(band, share));
    }
    widths[band] = bin - (starts[band] as number);
  }
  if ([weights, unweights].flat().some((weight) => weight > 32767))
    throw badFrontEnd(
      'channels',
      `${channels} bands from ${lowerHz} to ${upperHz} Hz are too narrow`,
      'fewer channels, or a wider band',
    );
  return { starts, widths, weights: Int16Array.from(weights), unweights: Int16Array.from(unweights) };
}

/** Returns a window in the middle of `samples` values, the others 0. @param one value that stands for 1 */
export function periodicHann(length: number, samples: number, one: number): Int16Array {
  const window = new Int16Array(samples);
  const before = (samples - length) >> 1;
  for (let i = 0; i < length; i++) window[before + i] = Math.round((0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length)) * one);
  return window;
}
