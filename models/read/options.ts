/**
 * What a caller may tell a reader; everything else comes from the model file.
 */
import type { Pick } from './time-axis.ts';

/**
 * Files that a model names, by their paths relative to it: a record, or a function that fetches one.
 * `limitBytes`: no more bytes than that are of use, so a larger file need not be read.
 */
export type ModelFiles = Readonly<Record<string, Uint8Array>> | ((path: string, limitBytes: number) => Promise<Uint8Array>);

/** Bytes of each file of external data by its path, or why they could not be had. */
export type ExternalFiles = ReadonlyMap<string, Uint8Array | Error>;

export interface ReadOptions {
  /** The graph's name; by default what the file says, else `model`. */
  name?: string;
  /** The file's path, for the lines in messages that convert it. */
  path?: string;
  /**
   * Which dimension is time: an index into the input's shape in the file, batch included (0 is the batch).
   * Where the model's input is flat, an index into the shape of the first operator's input that is not a
   * reshape.
   */
  timeAxis?: number;
  /**
   * Width of one frame (features times channels) of a flat input that nothing in the model gives a time axis.
   */
  frame?: number;
  /** Frames of one window, for a model with one symbolic dimension in each input besides the batch. */
  window?: number;
  /** The same by the name of the dimension, or of the input. */
  windows?: Record<string, number>;
  /** Inputs that are numbers, fixed by their names: a sample rate, a length. */
  set?: Record<string, number>;
  /** Inputs that are states; left out: those whose next values the model gives. */
  states?: string[];
  /** The weight files of a TensorFlow.js model, and the external data of an ONNX model. */
  files?: ModelFiles;
  /** Told what a user should see: a choice that nothing in the file says. */
  onNotice?: (text: string) => void;
  /** SHA-256 of the model file, hex; the caller computes it. */
  digest?: string;
}

/** What readModel adds for the readers. */
export interface ReaderOptions extends ReadOptions {
  /** Which reading of an input is taken that has several; the first where it is left out. */
  pick?: Pick;
  /** The files that an ONNX model names, fetched before it is lowered. */
  external?: ExternalFiles;
}

/** Metadata that stand for an option. */
const keys = { timeAxis: 'runlet.time_axis', frame: 'runlet.frame' } as const;

/**
 * The options, with `runlet.time_axis` and `runlet.frame` of the file's metadata where the caller names
 * neither a time axis nor a frame.
 */
export function withMetadata(options: ReaderOptions, metadata: Readonly<Record<string, string>>): ReaderOptions {
  if (options.timeAxis !== undefined || options.frame !== undefined) return options;
  const whole = (key: string): number | undefined => (/^\d{1,9}$/.test(metadata[key] ?? '') ? Number(metadata[key]) : undefined);
  const [timeAxis, frame] = [whole(keys.timeAxis), whole(keys.frame)];
  return { ...options, ...(timeAxis !== undefined && { timeAxis }), ...(frame !== undefined && { frame }) };
}
