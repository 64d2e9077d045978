/**
 * FrontEnd: the fixed-point audio front end as integers, ready to run. Parameters (parameters.ts) or a file's
 * constants become one.
 *
 * Sound is int16 PCM. Row n looks at samples [n * stepSamples, n * stepSamples + windowSamples) and has
 * `channels` int8 values:
 *
 *     window -> automatic scaling -> real FFT -> energy -> filter bank -> square root
 *       -> noise reduction -> PCAN -> log -> int8
 *
 * Source: TensorFlow's micro front end (tensorflow/lite/experimental/microfrontend/lib) and the same
 * algorithms behind the Signal operators (tflite-micro, signal/src); the FFT is kissfft's for 16-bit fixed
 * point. quant/frontend/reference.ts has the arithmetic.
 */
import { RunletError } from '../error.ts';

/** RN506: parameters of which no front end can be made. */
export const badFrontEnd = (where: string, why: string, tryThis?: string): RunletError =>
  new RunletError('RN506', { what: 'this front end cannot be made', where, why, ...(tryThis && { tryThis }) });

/**
 * Bands between triangles: band b adds weight * energy to channel b - 1 and unweight * energy to channel b.
 */
export interface FilterBank {
  /** First FFT bin of each of channels + 1 bands. */
  starts: Int16Array;
  /** Bins of each band; 0 where no bin lies in it. */
  widths: Int16Array;
  /** All bands' weights one after the other, 4096 = 1. */
  weights: Int16Array;
  unweights: Int16Array;
}

/** A first-order low pass follows the noise of each channel and is subtracted. */
export interface NoiseReduction {
  /** Share of the new value for even and odd channels, and 1 minus it; 2^bits = 1. */
  smoothing: readonly [even: number, odd: number];
  oneMinusSmoothing: readonly [even: number, odd: number];
  /** Least share of the signal that stays; 2^bits = 1. */
  minSignalRemaining: number;
  bits: number;
  /** The estimate has this many bits more than the signal. */
  smoothingBits: number;
  /** The estimate never exceeds the signal (an option of SignalFilterBankSpectralSubtraction). */
  clamping: boolean;
}

/** Per-channel automatic gain control: gain = table(noise estimate). */
export interface Pcan {
  /** int16 [125]: values at 0 and 1, then for each power of two value, slope, curve and a filler. */
  table: Int16Array;
  snrShift: number;
}

/** Natural logarithm of value * 2^correctionBits, times scale. */
export interface LogScale {
  correctionBits: number;
  scale: number;
}

/** int8 = clamp((f * multiply + add) / divide + offset, low, high), the quotient without its fraction. */
export interface OutputScale {
  multiply: number;
  add: number;
  divide: number;
  offset: number;
  low: number;
  high: number;
  /** What an int8 q stands for: scale * (q - zeroPoint). A float32. */
  scale: number;
  zeroPoint: number;
}

export interface FrontEnd {
  kind: 'micro';
  /** Of the preset or the file. */
  name: string;
  sampleRateHz: number;
  windowSamples: number;
  stepSamples: number;
  channels: number;
  /** A power of 2 from 4 on; the window is followed by zeros. */
  fftSamples: number;
  /** int16 [windowSamples], 2^windowShift = 1. */
  window: Int16Array;
  windowShift: number;
  /**
   * How a windowed sample of -32768 counts when the largest is looked for: `wrap` leaves it out (the library,
   * where its absolute value wraps), `follow` takes it as it is, so that the next sample replaces it, and
   * does not scale where 0 or less is left (the operator SignalFftAutoScale).
   */
  peak: 'wrap' | 'follow';
  bank: FilterBank;
  noise?: NoiseReduction;
  pcan?: Pcan;
  log?: LogScale;
  /** Features are at most this. */
  most: number;
  output: OutputScale;
  /** int8 [256]: what a value of -128 to 127 becomes for a model whose input has another scale (fit.ts). */
  remap?: Int8Array;
  /** Where it was made of parameters. */
  parameters?: FrontEndParameters;
}

export const tableKinds = ['library', 'newlib', 'signal', 'librosa'] as const;
export type Tables = (typeof tableKinds)[number];

/** A recipe for a front end; see parameters.ts for its limits. Switched off parts are `false`. */
export interface FrontEndParameters {
  name: string;
  sampleRateHz: number;
  windowSamples: number;
  /** Samples in the middle of the window that its Hann curve covers; left out: all. */
  hannSamples?: number;
  stepSamples: number;
  channels: number;
  /** Band of the filter bank. */
  lowerHz: number;
  upperHz: number;
  noise: false | { smoothingBits: number; evenSmoothing: number; oddSmoothing: number; minSignalRemaining: number };
  pcan: false | { strength: number; offset: number; gainBits: number };
  log: false | { scaleShift: number };
  /**
   * Whose arithmetic makes the tables: the library's C with a correctly rounded log1pf (`library`) or with
   * newlib's, as on an ESP32 (`newlib`; float32.ts), or the Python makers' of the Signal operators (`signal`:
   * some of it in float64, weights cut off). `librosa`: its filters and window (librosa.ts).
   */
  tables: Tables;
  output: OutputScale;
}
