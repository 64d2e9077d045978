/**
 * Reference of the audio front end, bit-equal to TensorFlow's micro front end. It makes the golden data of a
 * bundle, and kernels are compared with it.
 *
 * In: int16 samples in pieces of any length.  Out: a row for every stepSamples, from sample windowSamples on,
 * with raw features (0 to 65535) and int8 features.  Source: frontend.c and the files that it calls
 * (models/frontend/types.ts lists the stages). Cost: about 25,000 operations for a row of 512 points.
 */
import { logTable } from '../../models/frontend/log-table.ts';
import type { FrontEnd } from '../../models/frontend/types.ts';
import { RealFft } from './fft.ts';
import { bitLength, logarithm, outputOf, root, shiftedProduct, shrink, wideFunction } from './integers.ts';

export class FrontEndReference {
  readonly frontEnd: FrontEnd;
  /** The latest row before the output scale, [channels]. */
  readonly features: Uint32Array;
  /** The latest row, int8 [channels]. */
  readonly row: Int8Array;
  #samples: Int16Array;
  #filled = 0;
  #estimate: Uint32Array;
  #fft: RealFft;
  #input: Int16Array;
  #spectrum: Int16Array;
  #energy: Float64Array;
  #log = logTable();

  constructor(frontEnd: FrontEnd) {
    const { channels, windowSamples, fftSamples } = frontEnd;
    this.frontEnd = frontEnd;
    this.features = new Uint32Array(channels);
    this.row = new Int8Array(channels);
    this.#samples = new Int16Array(windowSamples);
    this.#estimate = new Uint32Array(channels);
    this.#fft = new RealFft(fftSamples);
    this.#input = new Int16Array(fftSamples);
    this.#spectrum = new Int16Array(fftSamples + 2);
    this.#energy = new Float64Array(fftSamples / 2 + 1);
  }

  /** Resets the sample buffer and the noise estimate. */
  reset(): void {
    this.#filled = 0;
    this.#estimate.fill(0);
  }

  /** Adds samples. Calls `onRow` after each complete row, which can then be read in `row` and `features`. */
  push(samples: Int16Array, onRow: () => void): void {
    const { windowSamples, stepSamples } = this.frontEnd;
    let at = 0;
    while (at < samples.length) {
      const take = Math.min(windowSamples - this.#filled, samples.length - at);
      this.#samples.set(samples.subarray(at, at + take), this.#filled);
      this.#filled += take;
      at += take;
      if (this.#filled < windowSamples) return;
      this.#makeRow();
      this.#samples.copyWithin(0, stepSamples);
      this.#filled -= stepSamples;
      onRow();
    }
  }

  #makeRow(): void {
    const { bank, channels, log, maxFeature, output, remap } = this.frontEnd;
    const shift = this.#windowed();
    this.#fft.transform(this.#input, this.#spectrum);
    for (let k = 0; k < this.#energy.length; k++) {
      const r = this.#spectrum[2 * k] as number;
      const i = this.#spectrum[2 * k + 1] as number;
      this.#energy[k] = r * r + i * i;
    }
    let [at, carried] = [0, 0];
    for (let band = 0; band <= channels; band++) {
      let [sum, next] = [carried, 0];
      const start = bank.starts[band] as number;
      for (let j = 0; j < (bank.widths[band] as number); j++, at++) {
        const energy = this.#energy[start + j] as number;
        sum += (bank.weights[at] as number) * energy;
        next += (bank.unweights[at] as number) * energy;
      }
      carried = next;
      // band 0 only holds the rising edge of channel 0
      if (band > 0) this.features[band - 1] = this.#channel(band - 1, root(sum) >>> shift);
    }
    for (let c = 0; c < channels; c++) {
      let value = this.features[c] as number;
      if (log) {
        const { correctionBits, scale } = log;
        value = correctionBits < 0 ? value >>> -correctionBits : (value << correctionBits) >>> 0;
        value = value > 1 ? logarithm(value, scale, this.#log) : 0;
      }
      this.features[c] = Math.min(value, maxFeature);
      const value8 = outputOf(this.features[c] as number, output);
      this.row[c] = remap ? (remap[value8 + 128] as number) : value8;
    }
  }

  /** Applies the window and scales the samples to 15 bits; returns the shift. */
  #windowed(): number {
    const { window, windowShift, windowSamples, peak } = this.frontEnd;
    const input = this.#input;
    let largest = 0;
    for (let i = 0; i < windowSamples; i++) {
      const product = ((this.#samples[i] as number) * (window[i] as number)) >> windowShift;
      // the TFLM operator saturates; the library's coefficients never exceed the range
      const x = Math.min(32767, Math.max(-32768, product));
      input[i] = x;
      if (x > largest) largest = x;
      else if (-x > largest) largest = x > -32768 ? -x : peak === 'follow' ? -32768 : largest;
    }
    const shift = peak === 'follow' && largest <= 0 ? 0 : 15 - bitLength(largest);
    for (let i = 0; i < windowSamples; i++) input[i] = (input[i] as number) << shift;
    return shift;
  }

  /** Applies noise reduction and gain to one channel. */
  #channel(channel: number, signal: number): number {
    const { noise, pcan } = this.frontEnd;
    if (!noise) return signal;
    const odd = channel & 1;
    const scaled = (signal << noise.smoothingBits) >>> 0;
    const old = this.#estimate[channel] as number;
    const sum = scaled * (noise.smoothing[odd] as number) + old * (noise.oneMinusSmoothing[odd] as number);
    this.#estimate[channel] = Math.floor(sum / 2 ** noise.bits) % 2 ** 32;
    let estimate = this.#estimate[channel] as number;
    if (estimate > scaled) {
      estimate = scaled;
      if (noise.clamping) this.#estimate[channel] = scaled;
    }
    const floor = shiftedProduct(signal, noise.minSignalRemaining, noise.bits);
    const value = Math.max((scaled - estimate) >>> noise.smoothingBits, floor);
    if (!pcan) return value;
    const gain = wideFunction(this.#estimate[channel] as number, pcan.table) >>> 0;
    return shrink(shiftedProduct(value, gain, pcan.snrShift));
  }
}

/** Returns all rows of a signal, int8 [rows][channels]. */
export function featureRows(frontEnd: FrontEnd, samples: Int16Array): Int8Array {
  const reference = new FrontEndReference(frontEnd);
  const { windowSamples, stepSamples, channels } = frontEnd;
  const rows = samples.length < windowSamples ? 0 : Math.floor((samples.length - windowSamples) / stepSamples) + 1;
  const out = new Int8Array(rows * channels);
  let at = 0;
  reference.push(samples, () => {
    out.set(reference.row, at);
    at += channels;
  });
  return out;
}
