/**
 * FrontEnd: the fixed-point audio front end in integers, ready to run. It is made from parameters
 * (parameters.ts) or from a file's constants.
 *
 * Sound is int16 PCM. Row n covers samples [n * stepSamples, n * stepSamples + windowSamples) and has
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

/** RN506: the parameters do not give a front end. */
export const badFrontEnd = (where: string, why: string, tryThis?: string): RunletError =>
  new RunletError('RN506', { what: 'this front end cannot be made', where, why, ...(tryThis && { tryThis }) });

/** Bands between triangles: band b adds weight * energy to channel b - 1, unweight * energy to channel b. */
export interface FilterBank {
  /** First FFT bin of each of channels + 1 bands. */
  starts: Int16Array;
  /** Number of bins of each band; 0 if it has none. */
  widths: Int16Array;
  /** Weights of all bands, one after the other; 4096 = 1. */
  weights: Int16Array;
  unweights: Int16Array;
}

/** Noise of each channel, estimated by a first-order low pass and subtracted. */
export interface NoiseReduction {
  /** Share of the new value for even and odd channels, and 1 minus it; 2^bits = 1. */
  smoothing: readonly [even: number, odd: number];
  oneMinusSmoothing: readonly [even: number, odd: number];
  /** Minimum share of the signal that remains; 2^bits = 1. */
  minSignalRemaining: number;
  bits: number;
  /** Number of bits that the estimate has in addition to the signal's. */
  smoothingBits: number;
  /** True if the estimate never exceeds the signal (option of SignalFilterBankSpectralSubtraction). */
  clamping: boolean;
}

/** Per-channel automatic gain control: gain = table(noise estimate). */
export interface Pcan {
  /** int16 [125]: the values at 0 and 1, then value, slope, curve and a filler for each power of two. */
  table: Int16Array;
  snrShift: number;
}

/** Natural logarithm of value * 2^correctionBits, times scale. */
export interface LogScale {
  correctionBits: number;
  scale: number;
}

/** int8 = clamp((f * multiply + add) / divide + offset, low, high), with the quotient truncated. */
export interface OutputScale {
  multiply: number;
  add: number;
  divide: number;
  offset: number;
  low: number;
  high: number;
  /** Scale (float32) of an int8 q, whose value is scale * (q - zeroPoint). */
  scale: number;
  zeroPoint: number;
}

export interface FrontEnd {
  kind: 'micro';
  /** Name of the preset or of the file. */
  name: string;
  sampleRateHz: number;
  windowSamples: number;
  stepSamples: number;
  channels: number;
  /** Length of the FFT: a power of 2 from 4 on. Zeros follow the window. */
  fftSamples: number;
  /** int16 [windowSamples], 2^windowShift = 1. */
  window: Int16Array;
  windowShift: number;
  /**
   * How the search for the largest sample treats a windowed sample of -32768. `wrap` skips it (the library,
   * where its absolute value wraps). `follow` takes it unchanged, so that the next sample replaces it, and
   * does not scale if 0 or less is left (the operator SignalFftAutoScale).
   */
  peak: 'wrap' | 'follow';
  bank: FilterBank;
  noise?: NoiseReduction;
  pcan?: Pcan;
  log?: LogScale;
  /** Upper bound of a feature. */
  maxFeature: number;
  output: OutputScale;
  /** int8 [256]: new value of each of -128 to 127 for a model whose input has another scale (fit.ts). */
  remap?: Int8Array;
  /** Present if it was made from parameters. */
  parameters?: FrontEndParameters;
}

export const tableKinds = ['library', 'newlib', 'signal', 'librosa'] as const;
export type Tables = (typeof tableKinds)[number];

/** A recipe for a front end; parameters.ts has its limits. Parts that are switched off are `false`. */
export interface FrontEndParameters {
  name: string;
  sampleRateHz: number;
  windowSamples: number;
  /** Samples in the middle of the window that its Hann curve covers. Default: all. */
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
   * Arithmetic that makes the tables. `library`: the library's C with a correctly rounded log1pf; `newlib`:
   * the same with newlib's log1pf, as on an ESP32 (float32.ts); `signal`: the Python makers of the Signal
   * operators, partly in float64 and with truncated weights; `librosa`: its filters and window (librosa.ts).
   */
  tables: Tables;
  output: OutputScale;
}
