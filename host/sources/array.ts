/**
 * Frames from an array of a .npy or .npz file.
 *
 * In: an array [frames], [frames][elements] or [frames][f][c]; with `row` one more axis in front.
 * Out: a source. The first axis is time, and the array is one continuous signal. Separate recordings in one
 * array need --row, since a stream must not jump from one to the next.
 */
import { transposed } from '../../quant/calibration/check.ts';
import type { NpyArray } from './npy.ts';
import { chunksOf, lengthText, type Source, type SourceOptions, wrongElements } from './source.ts';

/** The part of an array that is the signal. */
export interface ArrayPart {
  /** Index of its first element in the array. */
  from: number;
  frames: number;
  /** Number of frames in each window, if the array holds separate windows. */
  windowFrames?: number;
}

/**
 * Finds the part of an array that is the signal.
 * @throws RN722 if the shape does not end in the elements of a frame, or there is no such row; RN415 if the
 * array is transposed.
 */
export function partOf(array: { shape: number[] }, name: string, options: SourceOptions): ArrayPart {
  let { shape } = array;
  let from = 0;
  const shown = `shape (${array.shape.join(', ')})`;
  if (options.row !== undefined) {
    const [rows = 0, ...rest] = shape;
    if (!Number.isInteger(options.row) || options.row < 0 || options.row >= rows)
      throw wrongElements(name, `${shown} has no row ${options.row}`, `choose --row from 0 to ${rows - 1}`);
    const elements = rest.reduce((product, d) => product * d, 1);
    shape = rest;
    from = options.row * elements;
  }
  const [frames = 1, ...rest] = shape;
  const elements = rest.reduce((product, d) => product * d, 1);
  const [windowFrames = 0, ...frame] = rest;
  const perFrame = frame.reduce((product, d) => product * d, 1);
  if (options.windowFrames === windowFrames && rest.length > 1 && perFrame === options.frameElements)
    return { from, frames: frames * windowFrames, windowFrames };
  if (elements !== options.frameElements && shape.length === 2 && frames === options.frameElements) throw transposed(name, shape);
  if (elements !== options.frameElements)
    throw wrongElements(
      name,
      `${shown} has ${elements} elements in each frame, the model takes ${options.frameElements}`,
      shape.length > 2
        ? 'save an array [frames][elements], or choose one recording with --row'
        : 'save an array [frames][elements]',
    );
  return { from, frames };
}

/** Describes an array: type, shape and length. */
export const arrayText = (array: { dtype: string; shape: number[] }, name: string, frames: number, rateHz?: number): string =>
  `${name}: ${array.dtype} shape (${array.shape.join(', ')}), ${lengthText(frames, rateHz)}`;

/** Makes a source from an array. @throws RN722, RN415 */
export function arraySource(array: NpyArray, name: string, options: SourceOptions): Source {
  const { from, frames, windowFrames } = partOf(array, name, options);
  const elements = options.frameElements;
  return {
    frames: chunksOf(array.data.subarray(from, from + frames * elements), elements, windowFrames),
    totalFrames: frames,
    describe: arrayText(array, name, frames, options.sampleRateHz),
    ...(windowFrames && { windowFrames }),
  };
}
