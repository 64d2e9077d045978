/**
 * Found: what a file is that Runlet does not read, and the error that says so.
 *
 * In: the kind of file that was recognised.  Out: RN166 (a model of another program, with the line that
 * converts it) or RN167 (not a model).
 */
import { RunletError } from '../../error.ts';

export interface Found {
  /** The kind of file, such as `a Keras model (.keras)`. */
  what: string;
  /** Why it cannot be read as it is. */
  why: string;
  /** The line that converts it, or other advice. */
  tryThis: string;
  /** True: it is not a model of any program. */
  noModel?: boolean;
}

/** Returns the error for a recognised file. @param path of the user's file, for `where`. */
export function refusal({ what, why, tryThis, noModel }: Found, path: string | undefined): RunletError {
  const where = path ?? 'byte 0';
  if (noModel) return new RunletError('RN167', { what: `this is ${what}, not a model`, where, why, tryThis });
  return new RunletError('RN166', { what: `this is ${what}`, where, why, tryThis });
}

/** A tree model. Trees have no layers: the next window cannot reuse results of the window before. */
export const trees = (what: string, tryThis: string): Found => ({
  what,
  why: 'trees compare features of one window at a time, so there is nothing to stream',
  tryThis: `compute the features on the host and compile the trees to C: ${tryThis}; or train a small convolutional network on the same windows`,
});
