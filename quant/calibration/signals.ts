/**
 * Calibration data, as pieces of signal without seams.
 *
 * In: a signal, one for each input, or the set that collectCalibration chose from a long one.  Out: pieces;
 * each has an array `[frames][f][c]` per input.
 */
import type { Coverage } from './coverage.ts';
import type { InputSummary } from './input-summary.ts';

/** Pieces of recordings, with statistics of the whole signal that they were chosen from. */
export interface CalibrationSet {
  /** Pieces of signal, [piece][input]. No seam lies inside a piece. */
  pieces: readonly (readonly Float32Array[])[];
  /** Statistics of the whole signal, one per input. */
  summaries: readonly InputSummary[];
  /** Number of windows in the signal, and of those in the pieces. */
  windowsSeen: number;
  windowsUsed: number;
  /** How the pieces were chosen. `all`: they are the whole signal. */
  sampling: 'all' | Sampling;
  seed: number;
  coverage?: Coverage;
  /** Largest number of bytes of signal that were held at once. */
  heldBytes: number;
}

export const samplings = ['covering', 'random', 'first'] as const;
export type Sampling = (typeof samplings)[number];

/** The signal of the only input, one signal per input, or a chosen set. */
export type Calibration = Float32Array | readonly Float32Array[] | CalibrationSet;

export const isSet = (data: Calibration): data is CalibrationSet => 'pieces' in data;

/** Returns the pieces of any form of calibration data. */
export const piecesOf = (data: Calibration): readonly (readonly Float32Array[])[] =>
  isSet(data) ? data.pieces : [data instanceof Float32Array ? [data] : data];
