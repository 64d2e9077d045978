/**
 * Frames that say how many values each of them has, so that a signal of another width is refused and not cut
 * into other frames.
 *
 * In: an array of numbers for each frame, or `{ data, channels }`.  Out: the typed array of these values,
 * once each frame has the values of the input's. A plain typed array has no such count: the samples of a
 * stereo recording are as many frames of one value as those of a mono one that is twice as long.
 */
import type { PortManifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { type Frames, isList, wrongKind } from './kinds.ts';

/** An array of numbers for each frame. */
export type FrameRows = readonly (readonly number[])[];

/**
 * Frames one after the other, and the values of each: the channels of interleaved sound, the columns of a
 * table.
 */
export interface CountedFrames {
  data: Frames;
  channels: number;
}

function wrongCount({ name, elements }: PortManifest, count: unknown, frame?: number): RunletError {
  const values = (n: unknown) => `${String(n)} value${n === 1 ? '' : 's'}`;
  return new RunletError('RN718', {
    what: `a frame of this signal has ${values(count)}, and the model takes ${values(elements)}`,
    where: frame === undefined ? `input ${name}` : `input ${name}, frame ${frame} of those passed`,
    why: 'values of other channels would be taken for later frames',
    tryThis:
      elements === 1 ? 'pass one channel alone, or the mean of all' : `pass frames of ${elements} values, in the model's order`,
  });
}

/** The values of `{ data, channels }`; everything else as it is. @throws RN718 */
export function dataOf(port: PortManifest, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('data' in value && 'channels' in value)) return value;
  const { data, channels } = value;
  if (channels !== port.elements) throw wrongCount(port, channels);
  return data;
}

/** The numbers of one frame. @throws RN708, RN718 */
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
 * The values of an array of numbers for each frame, real values. `first` is rows[0], which was read. @throws
 * RN708, RN718
 */
export function joinRows(port: PortManifest, rows: readonly unknown[], first: unknown): Float32Array {
  const { length } = rows;
  const read: number[][] = [];
  for (let i = 0; i < length; i++) read.push(rowOf(port, i === 0 ? first : rows[i], i));
  return Float32Array.from(read.flat());
}
