/**
 * What a caller may tell a reader; everything else comes from the model file.
 */

/**
 * Files that a model names, by their paths relative to it: a record, or a function that fetches one. `limitBytes`: no more bytes than that are of use, so
 * a larger file need not be read.
 */
export type ModelFiles = Readonly<Record<string, Uint8Array>> | ((path: string, limitBytes: number) => Promise<Uint8Array>);

export interface ReadOptions {
  /** The graph's name; by default what the file says, else `model`. */
  name?: string;
  /** The file's path, for the lines in messages that convert it. */
  path?: string;
  /**
   * Which dimension is time: an index into the input's shape in the file, batch included (0 is the batch). Where the model's
   * input is flat, an index into the shape of the first operator's input that is not a reshape.
   */
  timeAxis?: number;
  /** Width of one frame (features times channels) of a flat input that nothing in the model gives a time axis. */
  frame?: number;
  /** Frames of one window, for a model whose time dimension is symbolic. */
  window?: number;
  /** The same by input name, where several inputs have windows of different lengths. */
  windows?: Record<string, number>;
  /** The weight files of a TensorFlow.js model. */
  files?: ModelFiles;
  /** SHA-256 of the model file, hex; the caller computes it. */
  digest?: string;
}
