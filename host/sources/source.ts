/**
 * What every source of frames gives, and the helpers that sources share.
 *
 * A source turns a file, a pipe or a formula into chunks of whole frames (Float32Array, [frames][elements]).
 * Values are those of the file: no scaling but for PCM audio, which becomes -1 to 1. Bad input gives a
 * RunletError, RN720 to RN739.
 */
import { RunletError } from '../../models/error.ts';
import type { GapList } from './gaps.ts';
import { pcmEncodings } from './pcm.ts';

export interface Source<Chunk = Float32Array> {
  /**
   * Chunks of whole frames, [frames][frameElements]; a chunk is not changed after it was given. Of several
   * inputs, one such array each.
   */
  frames: AsyncIterable<Chunk>;
  /** Where it is known beforehand. */
  totalFrames?: number;
  /** Each chunk is a window by itself, of so many frames. */
  windowFrames?: number;
  /** One line for people: kind, name, length. */
  describe: string;
  /** Frames a second, where the source knows. */
  sampleRateHz?: number;
  /** Names of a frame's elements, where the source knows. */
  names?: string[];
  /** Whether `names` stand in the source itself, and are no numbers of columns. */
  named?: boolean;
  /** The truth per frame, filled as frames are read; NaN where it is unknown. */
  truth?: Track;
  /** The column of the truth. */
  truthName?: string;
  /**
   * Names in a truth column whose labels nobody gave, filled as frames are read; a truth is an index of them.
   */
  truthNames?: string[];
  /** Jumps of the time column between frames, filled as frames are read. */
  jumps?: GapList;
}

/** Of a time column. */
export type TimeUnit = 's' | 'ms';

/** What comes through a pipe. */
export const formats = ['text', 'csv', 'wav', ...pcmEncodings] as const;
export type Format = (typeof formats)[number];

export interface SourceOptions {
  /** Elements of one frame: what the model's input takes. */
  frameElements: number;
  /** The rate that the model expects; a source that knows another rate is refused. */
  sampleRateHz?: number;
  /** Sound of another rate is resampled instead. */
  resample?: boolean;
  /** Raw samples: their rate and channels (1). */
  rawRateHz?: number;
  rawChannels?: number;
  /**
   * The model listens: several channels are mixed unless one is chosen, and a pipe is sound unless `format`
   * says otherwise.
   */
  sound?: boolean;
  /** CSV: columns to use, by name or index from 0. Sound: channels, by index. */
  columns?: string[];
  /** CSV: columns that the model was trained on, taken where the header has them all. */
  known?: string[];
  /** CSV: whether the first line is a header; by default it is one if it has a cell that is no number. */
  header?: boolean;
  /** CSV: the column with the truth; generated ecg and ppg know theirs as `bpm`. */
  truth?: string;
  /** CSV: without `truth`, take the only column that is named as one, or the only one that holds text. */
  guessTruth?: boolean;
  /** Names of classes, so that a truth column may hold names: a name becomes its index. */
  labels?: string[];
  /**
   * CSV: an empty or NaN cell becomes NaN instead of an error (for gaps, and for front ends that bridge
   * them).
   */
  gaps?: boolean;
  /**
   * CSV: find jumps of a time column; `column` by name or index, `none` for none, else the one whose name
   * says it.
   */
  time?: { column?: string; unit?: TimeUnit };
  /** Sound: a channel from 0, or `mix` for the mean of all. */
  channel?: string;
  /** NPZ: the array's name. */
  array?: string;
  /**
   * NPY, NPZ: an array [windows][this][elements] holds windows that were cut apart, and each chunk is one.
   */
  windowFrames?: number;
  /** CSV: the steps of a time column must be those of `sampleRateHz`. */
  checkTime?: boolean;
  /** NPY, NPZ: take this index of the first axis. */
  row?: number;
  /** Standard input and raw files. */
  format?: Format;
  /** Every value is multiplied by this. */
  gain?: number;
  /** Standard input, replaceable for tests. */
  stdin?: AsyncIterable<Uint8Array>;
}

/** Frames in a chunk where the source may choose. */
export const chunkFrames = 256;

/** Sources that are read whole may have this many bytes. */
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

  /** The values so far, a view. */
  view(): Float64Array {
    return this.values.subarray(0, this.length);
  }
}

/** Collects values and gives them out as chunks of whole frames. */
export class Chunker {
  #buffer: Float32Array;
  #at = 0;

  constructor(frameElements: number, frames = chunkFrames) {
    this.#buffer = new Float32Array(frameElements * frames);
  }

  /** Adds a value; the full chunk, once there is one. */
  push(value: number): Float32Array | undefined {
    this.#buffer[this.#at++] = value;
    return this.#at === this.#buffer.length ? this.rest() : undefined;
  }

  /** What is there, or undefined. */
  rest(): Float32Array | undefined {
    const chunk = this.#at ? this.#buffer.slice(0, this.#at) : undefined;
    this.#at = 0;
    return chunk;
  }
}

/** An array of whole frames in chunks. */
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

/** The number that a text says, or undefined; empty text and NaN are no numbers. */
export function numberOf(text: string): number | undefined {
  if (text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}

/** RN722: the source's frames are not the model's. */
export const wrongElements = (where: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN722', { what: "the source's frames do not fit the model's input", where, why, tryThis });

/** RN721: `--truth` of a source that has none. */
export const noTruth = (): RunletError =>
  new RunletError('RN721', {
    what: 'this source has no truth',
    where: '--truth',
    why: 'only CSV columns, gen:ecg and gen:ppg have',
    tryThis: 'leave out --truth, or put signal and truth into one CSV file',
  });

/** RN723 where the source's rate is not the model's. */
export function checkRate(where: string, rateHz: number, expectedHz: number | undefined): void {
  if (expectedHz === undefined || Math.abs(rateHz - expectedHz) <= 1e-6 * expectedHz) return;
  throw new RunletError('RN723', {
    what: `the source has ${rateHz} Hz, the model expects ${expectedHz} Hz`,
    where,
    why: 'filters differ, and so would the answers',
    tryThis: `--resample, or another tool first, for example: ffmpeg -i in.wav -ar ${expectedHz} out.wav`,
  });
}

/** `1,234 frames` and, where the rate is known, `(12.3 s)`. */
export const lengthText = (frames: number, rateHz?: number): string =>
  `${frames.toLocaleString('en')} frames${rateHz ? ` (${(frames / rateHz).toFixed(1)} s)` : ''}`;
