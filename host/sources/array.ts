/**
 * Frames from an array of .npy or .npz.
 *
 * In: an array [frames], [frames][elements] or [frames][f][c]; with `row` one more axis in front.  Out: a source.
 * The first axis is time and is taken as one signal: windows that were cut apart need --row, since a stream has no seams.
 */
import type { NpyArray } from './npy.ts';
import { chunksOf, lengthText, type Source, type SourceOptions, wrongElements } from './source.ts';

/** @throws RN722 the array's shape does not end in the elements of a frame, or has no such row. */
export function arraySource(array: NpyArray, name: string, options: SourceOptions): Source {
  let { shape, data } = array;
  const shown = `shape (${array.shape.join(', ')})`;
  if (options.row !== undefined) {
    const [rows = 0, ...rest] = shape;
    if (!Number.isInteger(options.row) || options.row < 0 || options.row >= rows)
      throw wrongElements(name, `${shown} has no row ${options.row}`, `choose --row from 0 to ${rows - 1}`);
    const elements = rest.reduce((product, d) => product * d, 1);
    shape = rest;
    data = data.subarray(options.row * elements, (options.row + 1) * elements);
  }
  const [frames = 1, ...rest] = shape;
  const elements = rest.reduce((product, d) => product * d, 1);
  if (elements !== options.frameElements)
    throw wrongElements(
      name,
      `${shown} makes frames of ${elements} elements, the model takes ${options.frameElements}`,
      shape.length > 2
        ? 'save an array [frames][elements], or choose one recording with --row'
        : 'save an array [frames][elements]',
    );
  return {
    frames: chunksOf(data, elements),
    totalFrames: frames,
    describe: `${name}: ${array.dtype} ${shown}, ${lengthText(frames, options.sampleRateHz)}`,
  };
}
