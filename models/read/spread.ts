/**
 * spread: a constant of the file laid over a tensor, by the broadcasting of NumPy.
 *
 * In: how the tensor's axes lie in the file, and the constant's dimensions.  Out: which axes it varies
 * along, and where it has the value of each element.  Source: ONNX and TensorFlow Lite broadcasting:
 * dimensions are counted from the last, and one of length 1 is repeated.
 */
import type { Axis } from '../graph/types.ts';
import { type Layout, shapeOfLayout } from './layout.ts';

export interface Spread {
  /** The outermost axis that it varies along; `c` where it is one value. */
  over: Axis;
  /**
   * Element i of [t][f][c], or of one frame, is the constant's element places[i % places.length]: as many as
   * differ, and a whole frame or window where it varies along more than channels.
   */
  places: Uint32Array;
}

/** The constant's values for the first `count` elements. */
export const valuesOf = ({ places }: Spread, data: ArrayLike<number>, count = places.length): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => data[places[i % places.length] as number] as number);

/** A factor of an axis: elements of the axis, and of the constant, from one of its places to the next. */
interface Part {
  axis: Axis;
  length: number;
  step: number;
  pitch: number;
}

/** Undefined where the constant has more elements along a dimension than the tensor, or other ones. */
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
  // channels behind the last that differ repeat those before
  const differ = parts.reduce((most, p) => (p.axis === 'c' && p.pitch > 0 ? p.step * p.length : most), 1);
  const [rows, features] = [along('t', over === 't' ? t : 1), along('f', over === 'c' ? 1 : f)];
  const channels = along('c', over === 'c' ? differ : c);
  const places = new Uint32Array(rows.length * features.length * channels.length);
  let at = 0;
  for (const row of rows) for (const feature of features) for (const channel of channels) places[at++] = row + feature + channel;
  return { over, places };
}
