/** Options that a caller may give to a reader; everything else comes from the model file. */
import type { Pick } from './time-axis.ts';

/**
 * Files that a model names, by path relative to the model: a record, or a function that fetches one.
 * `limitBytes`: largest useful size of the file in bytes; a larger file need not be read to its end.
 */
export type ModelFiles = Readonly<Record<string, Uint8Array>> | ((path: string, limitBytes: number) => Promise<Uint8Array>);

/** Bytes of each external data file by its path, or the error of reading it. */
export type ExternalFiles = ReadonlyMap<string, Uint8Array | Error>;

export interface ReadOptions {
  /** Name of the graph. Default: the name in the file, else `model`. */
  name?: string;
  /** Path of the file, for the conversion commands that messages show. */
  path?: string;
  /**
   * Dimension that is time: an index into the input's shape in the file, batch included (0 is the batch). For
   * a flat input, an index into the shape of the first operator's input that is not a reshape.
   */
  timeAxis?: number;
  /** Values per frame (features times channels) of a flat input, if the model gives it no time axis. */
  frame?: number;
  /** Frames per window, for a model with one symbolic dimension in each input besides the batch. */
  window?: number;
  /** Frames per window by the name of the symbolic dimension or of the input. */
  windows?: Record<string, number>;
  /** Fixed values of inputs that are numbers (a sample rate, a length), by name. */
  set?: Record<string, number>;
  /** Names of the inputs that are states. Default: inputs whose next values the model outputs. */
  states?: string[];
  /** Weight files of a TensorFlow.js model, or external data of an ONNX model. */
  files?: ModelFiles;
  /** Receives notices for the user: choices that nothing in the file determines. */
  onNotice?: (text: string) => void;
  /** SHA-256 of the model file in hex, computed by the caller. */
  digest?: string;
}

/** Options that readModel adds for the readers. */
export interface ReaderOptions extends ReadOptions {
  /** Chooses one of several readings of an input. Default: the first reading. */
  pick?: Pick;
  /** Files that an ONNX model names, fetched before it is lowered. */
  external?: ExternalFiles;
}

/** Metadata keys that set an option. */
const keys = { timeAxis: 'runlet.time_axis', frame: 'runlet.frame' } as const;

/**
 * Returns the options. Adds `runlet.time_axis` and `runlet.frame` from the file's metadata if the caller
 * gives neither a time axis nor a frame.
 */
export function withMetadata(options: ReaderOptions, metadata: Readonly<Record<string, string>>): ReaderOptions {
  if (options.timeAxis !== undefined || options.frame !== undefined) return options;
  const whole = (key: string): number | undefined => (/^\d{1,9}$/.test(metadata[key] ?? '') ? Number(metadata[key]) : undefined);
  const [timeAxis, frame] = [whole(keys.timeAxis), whole(keys.frame)];
  return { ...options, ...(timeAxis !== undefined && { timeAxis }), ...(frame !== undefined && { frame }) };
}
