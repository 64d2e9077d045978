/**
 * spread: maps a constant of the file to the elements of a tensor, with NumPy's broadcasting.
 *
 * In: the tensor's layout in the file and the constant's dimensions.  Out: the outermost axis along which the
 * constant varies, and its element for each element of the tensor.  Source: ONNX and TensorFlow Lite
 * broadcasting: dimensions are counted from the last, and one of length 1 is repeated.
 */
import type { Axis } from '../graph/types.ts';
import { type Layout, shapeOfLayout } from './layout.ts';

export interface Spread {
  /** Outermost axis along which the constant varies; `c` if it is one value. */
  over: Axis;
  /**
   * Index map: element i of [t][f][c], or of one frame, is the constant's element places[i % places.length].
   * Its length is a frame or window if the constant varies along more than channels, else one period.
   */
  places: Uint32Array;
}

/** Returns the constant's values for the first `count` elements. */
export const valuesOf = ({ places }: Spread, data: ArrayLike<number>, count = places.length): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => data[places[i % places.length] as number] as number);

/** A factor of an axis. Elements from one place to the next: `step` of the axis, `pitch` of the constant. */
interface Part {
  axis: Axis;
  length: number;
  step: number;
  pitch: number;
}

/** Undefined if the constant has more dimensions than the tensor, or a dimension of another length. */
function partsOf(layout: Layout, dims: readonly number[]): Part[] | undefined {
  const extra = layout.length - dims.length;
  if (extra < 0 || dims.some((d, i) => d !== 1 && d !== layout[i + extra]?.reduce((n, f) => n * f.length, 1))) return undefined;
  const parts: Part[] = [];
  const steps: Record<Axis, number> = { t: 1, f: 1, c: 1 };
  let pitch = 1;
  for (const [i, factors] of [...layout.entries()].reverse()) {
    const repeated = i < extra || dims[i - extra] === 1;
    for (const { axis, length } of factors.toReversed()) {
      parts.push({ axis, length, step: steps[axis], pitch: repeated ? 0 : pitch });
      steps[axis] *= length;
      if (!repeated) pitch *= length;
    }
  }
  return parts;
}

export function spread(layout: Layout, dims: readonly number[]): Spread | undefined {
  const parts = partsOf(layout, dims);
  if (!parts) return undefined;
  const varies = (axis: Axis): boolean => parts.some((part) => part.axis === axis && part.pitch > 0 && part.length > 1);
  const over = varies('t') ? 't' : varies('f') ? 'f' : 'c';
  const { t, f, c } = shapeOfLayout(layout);
  const along = (axis: Axis, length: number): Uint32Array =>
    Uint32Array.from({ length }, (_, i) =>
      parts.reduce((sum, p) => (p.axis === axis ? sum + (Math.floor(i / p.step) % p.length) * p.pitch : sum), 0),
    );
  // number of channels after which the constant repeats
  const differ = parts.reduce((period, p) => (p.axis === 'c' && p.pitch > 0 ? p.step * p.length : period), 1);
  const [rows, features] = [along('t', over === 't' ? t : 1), along('f', over === 'c' ? 1 : f)];
  const channels = along('c', over === 'c' ? differ : c);
  const places = new Uint32Array(rows.length * features.length * channels.length);
  let at = 0;
  for (const row of rows) for (const feature of features) for (const channel of channels) places[at++] = row + feature + channel;
  return { over, places };
}
