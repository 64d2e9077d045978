/**
 * What a file is that is no model of ours, and how a reader says so.
 *
 * In: what was recognised.  Out: RN166 (a model of another program, with the line that converts it) or RN167
 * (no model at all).
 */
import { RunletError } from '../../error.ts';

export interface Found {
  /** `a Keras model (.keras)`. */
  what: string;
  /** Why it cannot be read as it is. */
  why: string;
  /** The line that converts it, or what else helps. */
  tryThis: string;
  /** It is no model of any program. */
  noModel?: boolean;
}

/** @param path of the user's file, for `where` */
export function refusal({ what, why, tryThis, noModel }: Found, path: string | undefined): RunletError {
  const where = path ?? 'byte 0';
  if (noModel) return new RunletError('RN167', { what: `this is ${what}, not a model`, where, why, tryThis });
  return new RunletError('RN166', { what: `this is ${what}`, where, why, tryThis });
}

/** Trees have no layers: nothing of one window is of use to the next. */
export const trees = (what: string, tryThis: string): Found => ({
  what,
  why: 'trees compare features of one window at a time, so there is nothing to stream',
  tryThis: `compute the features on the host and compile the trees to C: ${tryThis}; or train a small convolutional network on the same windows`,
});
