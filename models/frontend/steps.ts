/**
 * Converts milliseconds to samples.
 *
 * In: a time and a rate.  Out: whole samples. Source: window_util.c (ms * rate / 1000, whole numbers).
 */
import { badFrontEnd } from './types.ts';

/** @throws RN506 if the time is not a whole number of samples. */
export function samplesOf(ms: number, sampleRateHz: number, where: string): number {
  const samples = (ms * sampleRateHz) / 1000;
  const whole = Math.round(samples);
  if (whole >= 1 && Math.abs(samples - whole) < 1e-9 * samples) return whole;
  throw badFrontEnd(where, `${ms} ms are ${samples} samples at ${sampleRateHz} Hz, which is not a whole number of at least 1`);
}
