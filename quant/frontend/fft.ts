/**
 * Reference of the real FFT in 16-bit fixed point. It is bit-equal to kissfft.
 *
 * In: int16 [n].  Out: int16 pairs [n / 2 + 1], the spectrum divided by n. Every pass divides by its radix;
 * products round half up. Formula: a complex FFT of n / 2 points by decimation in time with radixes 4, 4,
 * ..., (2), then one pass that separates even from odd samples.
 * Source: kissfft, kiss_fft.c (kf_work, kf_bfly2, kf_bfly4, kf_factor) and kiss_fftr.c, FIXED_POINT 16. Sums
 * wrap at 16 bits, as in C on common machines.
 */
import { lastTwiddles, twiddles } from '../../models/frontend/fft-tables.ts';

/** Divides a product by 2^15, rounding half up. */
const round15 = (x: number): number => (x + 0x4000) >> 15;

const wrap = (x: number): number => (x << 16) >> 16;

const half = 16383; // floor(32767 / 2)
const quarter = 8191;

export class RealFft {
  readonly fftSamples: number;
  #twiddles: Int16Array;
  #last: Int16Array;
  #buffer: Int16Array;
  /** Terms of one butterfly: up to 6 complex numbers. */
  #s = new Int16Array(12);

  constructor(fftSamples: number) {
    this.fftSamples = fftSamples;
    this.#twiddles = twiddles(fftSamples);
    this.#last = lastTwiddles(fftSamples);
    this.#buffer = new Int16Array(fftSamples);
  }

  /** `input` int16 [n]; `output` int16 [n / 2 + 1][2]. */
  transform(input: Int16Array, output: Int16Array): void {
    const count = this.fftSamples / 2;
    this.#part(input, 0, 1, 0, count);
    this.#separate(output, count);
  }

  /** Writes the FFT of the `count` complex samples input[from + k * stride] to the buffer at `to`. */
  #part(input: Int16Array, from: number, stride: number, to: number, count: number): void {
    const radix = count % 4 === 0 ? 4 : count;
    const m = count / radix;
    for (let q = 0; q < radix; q++) {
      if (m > 1) this.#part(input, from + q * stride, stride * radix, to + q * m, m);
      else {
        this.#buffer[2 * (to + q)] = input[2 * (from + q * stride)] as number;
        this.#buffer[2 * (to + q) + 1] = input[2 * (from + q * stride) + 1] as number;
      }
    }
    for (let k = 0; k < m; k++)
      if (radix === 4) this.#four(to + k, m, k * stride);
      else if (radix === 2) this.#two(to + k, m, k * stride);
  }

  /** Writes buffer[at], divided by the radix (factor is 32767 / radix) and times a twiddle, to #s[slot]. */
  #turn(at: number, factor: number, twiddle: number, slot: number): void {
    const r = round15((this.#buffer[2 * at] as number) * factor);
    const i = round15((this.#buffer[2 * at + 1] as number) * factor);
    const c = this.#twiddles[2 * twiddle] as number;
    const s = this.#twiddles[2 * twiddle + 1] as number;
    this.#s[2 * slot] = round15(r * c - i * s);
    this.#s[2 * slot + 1] = round15(r * s + i * c);
  }

  #two(at: number, m: number, twiddle: number): void {
    const [b, s] = [this.#buffer, this.#s];
    this.#turn(at + m, half, twiddle, 0);
    for (let i = 0; i < 2; i++) {
      const first = round15((b[2 * at + i] as number) * half);
      b[2 * (at + m) + i] = first - (s[i] as number);
      b[2 * at + i] = first + (s[i] as number);
    }
  }

  #four(at: number, m: number, twiddle: number): void {
    const b = this.#buffer;
    const s = this.#s;
    for (let q = 1; q < 4; q++) this.#turn(at + q * m, quarter, q * twiddle, q - 1);
    for (let i = 0; i < 2; i++) {
      const first = round15((b[2 * at + i] as number) * quarter);
      s[10 + i] = first - (s[2 + i] as number);
      s[6 + i] = (s[i] as number) + (s[4 + i] as number);
      s[8 + i] = (s[i] as number) - (s[4 + i] as number);
      const even = ((first + (s[2 + i] as number)) << 16) >> 16;
      b[2 * (at + 2 * m) + i] = even - (s[6 + i] as number);
      b[2 * at + i] = even + (s[6 + i] as number);
    }
    b[2 * (at + m)] = (s[10] as number) + (s[9] as number);
    b[2 * (at + m) + 1] = (s[11] as number) - (s[8] as number);
    b[2 * (at + 3 * m)] = (s[10] as number) - (s[9] as number);
    b[2 * (at + 3 * m) + 1] = (s[11] as number) + (s[8] as number);
  }

  /** Separates the spectra of even and odd samples, packed as real and imaginary part, and joins them. */
  #separate(output: Int16Array, count: number): void {
    const b = this.#buffer;
    const halved = (at: number) => round15((b[at] as number) * half);
    const even = halved(0);
    const odd = halved(1);
    output[0] = even + odd;
    output[2 * count] = even - odd;
    output[1] = output[2 * count + 1] = 0;
    for (let k = 1; k <= count / 2; k++) {
      const n = count - k;
      const kr = halved(2 * k);
      const ki = halved(2 * k + 1);
      const nr = halved(2 * n);
      const ni = round15(wrap(-(b[2 * n + 1] as number)) * half);
      const r1 = wrap(kr + nr);
      const i1 = wrap(ki + ni);
      const r2 = wrap(kr - nr);
      const i2 = wrap(ki - ni);
      const c = this.#last[2 * k - 2] as number;
      const s = this.#last[2 * k - 1] as number;
      const tr = wrap(round15(r2 * c - i2 * s));
      const ti = wrap(round15(r2 * s + i2 * c));
      output[2 * k] = (r1 + tr) >> 1;
      output[2 * k + 1] = (i1 + ti) >> 1;
      output[2 * n] = (r1 - tr) >> 1;
      output[2 * n + 1] = (ti - i1) >> 1;
    }
  }
}
