/**
 * The type of a source of frames, and helpers that sources share.
 *
 * In: a file, a pipe or a formula.  Out: chunks of whole frames, f32 [frames][elements]. Values are those of
 * the file; only PCM audio is scaled, to -1 to 1.  Errors: RN720 to RN739.
 */
import { RunletError } from '../../models/error.ts';
import type { GapList } from './gaps.ts';
import { pcmEncodings } from './pcm.ts';

export interface Source<Chunk = Float32Array> {
  /**
   * Chunks of whole frames, [frames][frameElements]; with several inputs, one such array per input. A chunk
   * does not change after it was yielded.
   */
  frames: AsyncIterable<Chunk>;
  /** Number of frames, if it is known in advance. */
  totalFrames?: number;
  /** Number of frames in each chunk, if each chunk is a separate window. */
  windowFrames?: number;
  /** One line for people: kind, name, length. */
  describe: string;
  /** Frames per second, if known. */
  sampleRateHz?: number;
  /** Names of a frame's elements, if known. */
  names?: string[];
  /** True if the source itself contains `names`; false if they are column numbers. */
  named?: boolean;
  /** f64 [frames], the truth of each frame; filled as frames are read; NaN if unknown. */
  truth?: Track;
  /** Name of the truth column. */
  truthName?: string;
  /** Class names found in a truth column, if no labels are given; filled as frames are read. */
  truthNames?: string[];
  /** Gaps that the time column shows, filled as frames are read. */
  jumps?: GapList;
}

/** Unit of a time column. */
export type TimeUnit = 's' | 'ms';

/** Formats of data from a pipe. */
export const formats = ['text', 'csv', 'wav', ...pcmEncodings] as const;
export type Format = (typeof formats)[number];

export interface SourceOptions {
  /** Number of elements in a frame of the model's input. */
  frameElements: number;
  /** Sample rate that the model expects, in Hz; a source with another known rate is refused. */
  sampleRateHz?: number;
  /** True to resample sound with another rate instead of refusing it. */
  resample?: boolean;
  /** Raw samples: sample rate in Hz. */
  rawRateHz?: number;
  /** Raw samples: number of channels. Default: 1 for sound or with chosen channels, else `frameElements`. */
  rawChannels?: number;
  /** True if the model takes sound: channels are mixed unless chosen, and a pipe holds sound by default. */
  sound?: boolean;
  /** CSV: columns to use, by name or index from 0. Sound: channels, by index. */
  columns?: string[];
  /** CSV: names of the columns that the model was trained on; used if the header has all of them. */
  known?: string[];
  /** CSV: true if the first line is a header. Default: true if one of its cells is not a number. */
  header?: boolean;
  /** CSV: name or index of the truth column. For generated ecg and ppg, any value selects the pulse rate. */
  truth?: string;
  /** CSV: true to guess a missing `truth`: the only column named so, else the only column of text. */
  guessTruth?: boolean;
  /** Class names; a name in the truth column becomes its index. */
  labels?: string[];
  /** CSV: true to read an empty or NaN cell as NaN (a lost frame) instead of refusing it. */
  gaps?: boolean;
  /**
   * CSV: find gaps with a time column. `column` is its name or index, or `none`. Default: the column whose
   * name means time.
   */
  time?: { column?: string; unit?: TimeUnit };
  /** Sound: index of a channel from 0, or `mix` for the mean of all. */
  channel?: string;
  /** NPZ: name of the array. */
  array?: string;
  /** NPY, NPZ: an array [windows][windowFrames][elements] holds separate windows; each is one chunk. */
  windowFrames?: number;
  /** CSV: true to check that the steps of a time column match `sampleRateHz`. */
  checkTime?: boolean;
  /** NPY, NPZ: index into the first axis; only that part is read. */
  row?: number;
  /** Format of standard input and raw files. */
  format?: Format;
  /** Factor that multiplies every value. Default: 1. */
  gain?: number;
  /** Replaces standard input in tests. */
  stdin?: AsyncIterable<Uint8Array>;
}

/** Number of frames in a chunk, if the source may choose. */
export const chunkFrames = 256;

/** Maximum size, in bytes, of a source that is read whole. */
export const sizeLimitBytes = 1 << 30;

/** A growing list of float64. */
export class Track {
  values = new Float64Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) {
      const more = new Float64Array(2 * this.length);
      more.set(this.values);
      this.values = more;
    }
    this.values[this.length++] = value;
  }

  /** Returns a view of the values so far. */
  view(): Float64Array {
    return this.values.subarray(0, this.length);
  }
}

/** Collects values to chunks of whole frames. */
export class Chunker {
  #buffer: Float32Array;
  #at = 0;

  constructor(frameElements: number, frames = chunkFrames) {
    this.#buffer = new Float32Array(frameElements * frames);
  }

  /** Adds a value; returns the chunk if it is full. */
  push(value: number): Float32Array | undefined {
    this.#buffer[this.#at++] = value;
    return this.#at === this.#buffer.length ? this.rest() : undefined;
  }

  /** Returns the values collected since the last chunk; undefined if there are none. */
  rest(): Float32Array | undefined {
    const chunk = this.#at ? this.#buffer.slice(0, this.#at) : undefined;
    this.#at = 0;
    return chunk;
  }
}

/** Cuts an array of whole frames into chunks. */
export async function* chunksOf(
  values: ArrayLike<number>,
  frameElements: number,
  frames = chunkFrames,
): AsyncGenerator<Float32Array> {
  const step = frameElements * frames;
  for (let at = 0; at < values.length; at += step) {
    const chunk = new Float32Array(Math.min(step, values.length - at));
    for (let i = 0; i < chunk.length; i++) chunk[i] = values[at + i] as number;
    yield chunk;
  }
}

/** Parses a number; undefined if the text is empty, NaN or not a number. */
export function numberOf(text: string): number | undefined {
  if (text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}

/** Makes the error RN722: the source's frames do not fit the model. */
export const wrongElements = (where: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN722', { what: "the source's frames do not fit the model's input", where, why, tryThis });

/** Makes the error RN721: `--truth` for a source that has no truth. */
export const noTruth = (): RunletError =>
  new RunletError('RN721', {
    what: 'this source has no truth',
    where: '--truth',
    why: 'only CSV files, gen:ecg and gen:ppg have it',
    tryThis: 'leave out --truth, or put signal and truth into one CSV file',
  });

/** Checks the source's sample rate. @throws RN723 if it is not the model's. */
export function checkRate(where: string, rateHz: number, expectedHz: number | undefined): void {
  if (expectedHz === undefined || Math.abs(rateHz - expectedHz) <= 1e-6 * expectedHz) return;
  throw new RunletError('RN723', {
    what: `the source has ${rateHz} Hz, the model expects ${expectedHz} Hz`,
    where,
    why: 'the answers would be wrong at another rate',
    tryThis: `--resample, or convert the file first, for example: ffmpeg -i in.wav -ar ${expectedHz} out.wav`,
  });
}

/** Formats a length: `1,234 frames`, followed by `(12.3 s)` if the rate is known. */
export const lengthText = (frames: number, rateHz?: number): string =>
  `${frames.toLocaleString('en')} frames${rateHz ? ` (${(frames / rateHz).toFixed(1)} s)` : ''}`;
