/**
 * Counted frames: frames with the number of values in each, so that a signal of another width is refused.
 *
 * In: an array of numbers for each frame, or `{ data, channels }`.  Out: a typed array of the values, once
 * their number per frame is checked.  Errors: RN708, RN718.
 * Reason: a plain typed array has no such number. A stereo recording looks like a mono recording of twice its
 * length.
 */
import type { PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { type Frames, isList, wrongKind } from './kinds.ts';

/** An array of numbers for each frame. */
export type FrameRows = readonly (readonly number[])[];

/** Frames one after the other, such as interleaved sound or the rows of a table. */
export interface CountedFrames {
  data: Frames;
  /** Number of values in each frame. */
  channels: number;
}

function wrongCount({ name, elements }: PortManifest, count: unknown, frame?: number): RunletError {
  const values = (n: unknown) => `${String(n)} value${n === 1 ? '' : 's'}`;
  return new RunletError('RN718', {
    what: `a frame of this signal has ${values(count)}, and the model takes ${values(elements)}`,
    where: frame === undefined ? `input ${name}` : `input ${name}, frame ${frame} of those passed`,
    why: 'values of other channels would be read as later frames',
    tryThis:
      elements === 1 ? 'pass only one channel, or the mean of all' : `pass frames of ${elements} values, in the model's order`,
  });
}

/** Returns the values of `{ data, channels }`, or any other `value` unchanged. @throws RN718 */
export function dataOf(port: PortManifest, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('data' in value && 'channels' in value)) return value;
  const { data, channels } = value;
  if (channels !== port.elements) throw wrongCount(port, channels);
  return data;
}

/** Returns the numbers of one frame. @throws RN708, RN718 */
function rowOf(port: PortManifest, row: unknown, frame: number): number[] {
  if (!isList(row)) throw wrongKind(port, row);
  if (row.length !== port.elements) throw wrongCount(port, row.length, frame);
  return Array.from({ length: port.elements }, (_, i) => {
    const value = row[i];
    if (typeof value !== 'number') throw wrongKind(port, value);
    return value;
  });
}

/**
 * Joins the frames of `rows` to one array of real values.
 * @param first rows[0], which the caller has already read; no element is read twice.
 * @throws RN708, RN718
 */
export function joinRows(port: PortManifest, rows: readonly unknown[], first: unknown): Float32Array {
  const { length } = rows;
  const read: number[][] = [];
  for (let i = 0; i < length; i++) read.push(rowOf(port, i === 0 ? first : rows[i], i));
  return Float32Array.from(read.flat());
}
