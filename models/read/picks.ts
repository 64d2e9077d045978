/**
 * Convolutions that only select values: overlapping frames of a signal, zeros around the channels.
 *
 * In: indexes of a Gather, or numbers of zeros.  Out: attributes of a convolution with weights of 1 and 0;
 * models/graph/fold-selection.ts folds it into the layers that read it.
 */
import { type ConvAttrs, type DilatedAttrs, kernelOfOne, noClamp } from '../graph/types.ts';
import { fileShapeOf, type Layout } from './layout.ts';

/** Largest number of weights of such a layer. A choice: frames of up to 4,096 samples fit. */
const maxWeights = 2 ** 24;

/** Frames of a signal: value k of row i is element start + i * step + k * dilation. */
export interface Frames {
  rows: number;
  length: number;
  start: number;
  step: number;
  dilation: number;
}

/** Returns indexes [rows][length] as frames; undefined if they are irregular or descend. */
export function framesOfIndexes(indexes: ArrayLike<number>, [rows = 0, length = 0]: readonly number[]): Frames | undefined {
  const at = (i: number) => indexes[i] ?? 0;
  const [start, step, dilation] = [at(0), rows > 1 ? at(length) - at(0) : 1, length > 1 ? at(1) - at(0) : 1];
  if (rows * length < 1 || rows * length !== indexes.length || !(start >= 0 && step >= 1 && dilation >= 1)) return undefined;
  for (let i = 0; i < indexes.length; i++)
    if (at(i) !== start + Math.floor(i / length) * step + (i % length) * dilation) return undefined;
  return { rows, length, start, step, dilation };
}

/** Returns `history` attributes that remove the rows before and after the frames. */
export const cropOf = ({ rows, length, start, step, dilation }: Frames, t: number): { before: number; after: number } => ({
  before: -start,
  after: start + (rows - 1) * step + (length - 1) * dilation + 1 - t,
});

/**
 * Returns a convolution that cuts a signal of `c` channels into frames, in the file's order: a frame's rows
 * come after the channels in dimensions before time, and before the others. Undefined if they are too large.
 * @param at the dimension of time in `layout`
 */
export function framing({ length, step, dilation }: Frames, c: number, layout: Layout, at: number): ConvAttrs | undefined {
  const geometry = { ...kernelOfOne, kernelT: length, strideT: step, dilationT: dilation };
  const inner = fileShapeOf(layout.slice(at + 1)).reduce((n, d) => n * d, 1);
  const from = (o: number) => {
    const [row, channel] = [Math.floor(o / inner) % length, Math.floor(o / (inner * length)) * inner + (o % inner)];
    return row * c + channel;
  };
  return picking(length * c, length * c, from, geometry);
}

/** Returns a convolution that adds zeros before and after `c` channels. */
export const zerosAround = (c: number, before: number, after: number): ConvAttrs | undefined =>
  picking(before + c + after, c, (o) => o - before, kernelOfOne);

/** Returns a convolution whose output channel o is input channel from[o]. */
export const pickingOf = (from: readonly number[]): ConvAttrs | undefined =>
  picking(from.length, from.length, (o) => from[o] as number, kernelOfOne);

function picking(outputs: number, inputs: number, pick: (o: number) => number, geometry: DilatedAttrs): ConvAttrs | undefined {
  if (outputs * inputs > maxWeights) return undefined;
  const data = new Float32Array(outputs * inputs);
  for (let o = 0; o < outputs; o++) {
    const from = pick(o);
    if (from >= 0 && from < inputs) data[o * inputs + from] = 1;
  }
  return { ...geometry, groups: 1, outChannels: outputs, weights: { data }, bias: null, clamp: noClamp };
}

/** Largest number of slices per selection. A choice: a longer list is not a selection of channels. */
const maxRuns = 64;

/** Splits indexes into runs of consecutive values; undefined if there are too many runs. */
export function runsOf(indexes: readonly number[]): { start: number; count: number }[] | undefined {
  const from = [...indexes.keys()].filter((i) => i === 0 || indexes[i] !== (indexes[i - 1] as number) + 1);
  if (from.length > maxRuns) return undefined;
  return from.map((at, i) => ({ start: indexes[at] as number, count: (from[i + 1] ?? indexes.length) - at }));
}

/** Returns the indexes 0, step, 2 step, ... below `length`. */
export const everyStep = (length: number, step: number): number[] =>
  Array.from({ length: Math.ceil(length / step) }, (_, i) => i * step);
