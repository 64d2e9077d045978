/**
 * Twiddle factors of the real FFT of n samples, which is a complex FFT of n / 2 and one more pass.
 *
 * In: n, a power of 2 from 4 on.  Out: int16 pairs (real, imaginary): [n / 2] for the complex FFT, [n / 4]
 * for the last pass. Formula: round(32767 * exp(i * phase)), phase -2 pi k / (n / 2), and -pi ((k + 1) / (n /
 * 2) + 1/2) for the last pass.
 * Source: kissfft, kiss_fft_alloc and kiss_fftr_alloc (fixed point, 16 bits). As there, the computation is in
 * double precision, so the numbers are equal.
 */

/** Returns floor(0.5 + 32767 x), which is kissfft's rounding. */
const fixed = (x: number): number => Math.floor(0.5 + 32767 * x);

function pairs(count: number, phase: (k: number) => number): Int16Array {
  const table = new Int16Array(2 * count);
  for (let k = 0; k < count; k++) {
    table[2 * k] = fixed(Math.cos(phase(k)));
    table[2 * k + 1] = fixed(Math.sin(phase(k)));
  }
  return table;
}

export const twiddles = (fftSamples: number): Int16Array => pairs(fftSamples / 2, (k) => (-2 * Math.PI * k) / (fftSamples / 2));

export const lastTwiddles = (fftSamples: number): Int16Array =>
  pairs(fftSamples / 4, (k) => -Math.PI * ((k + 1) / (fftSamples / 2) + 0.5));
