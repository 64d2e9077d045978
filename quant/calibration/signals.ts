/**
 * What calibration runs on: recordings without a seam in them.
 *
 * In: a signal, one for each input, or what collectCalibration chose of a long one.  Out: pieces, each with
 * an array `[frames][f][c]` an input.
 */
import type { Coverage } from './coverage.ts';
import type { InputSummary } from './input-summary.ts';

/** Pieces of a recording, or a whole one, with what is known of all that was seen. */
export interface CalibrationSet {
  /** Each without a seam, [piece][input]. */
  pieces: readonly (readonly Float32Array[])[];
  /** Of everything that was seen, one an input. */
  summaries: readonly InputSummary[];
  /** Windows in the signal, and how many of them are in the pieces. */
  windowsSeen: number;
  windowsUsed: number;
  /** How they were chosen; `all` where there was no need to. */
  sampling: 'all' | Sampling;
  seed: number;
  coverage?: Coverage;
  /** Most bytes of signal that were held at once. */
  heldBytes: number;
}

export const samplings = ['covering', 'random', 'first'] as const;
export type Sampling = (typeof samplings)[number];

/** A signal for the one input, one for each, or a chosen set. */
export type Calibration = Float32Array | readonly Float32Array[] | CalibrationSet;

export const isSet = (data: Calibration): data is CalibrationSet => 'pieces' in data;

/** Pieces of whatever is given. */
export const piecesOf = (data: Calibration): readonly (readonly Float32Array[])[] =>
  isSet(data) ? data.pieces : [data instanceof Float32Array ? [data] : data];
