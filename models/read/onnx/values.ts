/**
 * Values: what the reader knows of a named value of the file while it lowers the graph.
 *
 * A value is a constant, or an activation: a tensor of the graph being built and the layout of its file
 * dimensions. Padding that has not found its convolution yet is kept beside it.
 */
import type { Axis } from '../../graph/types.ts';
import { fileShapeOf, type Layout, showLayout } from '../layout.ts';
import type { Weighted as RowsTimesWeights } from '../over-time.ts';
import { refuse } from './refuse.ts';
import type { Const } from './tensor.ts';

/** Zeros [before, after] along t and f that an ONNX Pad asked for. */
export interface AxisPads {
  t: readonly [number, number];
  f: readonly [number, number];
}

export interface Activation {
  kind: 'activation';
  /** Tensor id in the builder. */
  tensor: number;
  /** File dimensions; padding included. */
  layout: Layout;
  pads?: AxisPads;
  /** The value is a DequantizeLinear's output (of a tensor whose scale is known). */
  dequantised?: boolean;
  /** The value is a QuantizeLinear's output (or an integer graph input), of this type. */
  integer?: 'int8' | 'uint8';
  /** The elements of states that its own go into (models/read/states.ts); -1: none. */
  next?: Const;
}

/**
 * Elements of states by their numbers: as they are now, or values that go into them and that nothing else
 * reads.
 */
export interface Elements {
  kind: 'elements';
  when: 'now' | 'next';
  ids: Const;
}

/** What a sum over time takes as a product of its own (models/read/over-time.ts). */
export interface Weighted extends RowsTimesWeights {
  kind: 'weighted';
}

/** `poisoned`: its producer is unsupported, so that nothing can be said about its consumers. */
export type Value = Const | Activation | Elements | Weighted | { kind: 'poisoned' };

export function dimsOf(value: Exclude<Value, { kind: 'poisoned' }>): number[] {
  if (value.kind === 'const') return value.dims;
  if (value.kind === 'elements') return value.ids.dims;
  return fileShapeOf(value.kind === 'weighted' ? value.rows.layout : value.layout);
}

/**
 * Refuses where `axis` lies in more than dimension `at`: an operator along that dimension would see a part of
 * it only.
 */
export function wholeAxis(layout: Layout, at: number, axis: Axis): void {
  const elsewhere = layout.some((factors, i) => i !== at && factors.some((f) => f.axis === axis));
  if (elsewhere) refuse(`axis ${axis} lies in two dimensions of ${showLayout(layout)}`);
}

/** Layouts of one meaning: the same factors in every dimension. */
export function sameLayout(a: Layout, b: Layout): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * The axis that dimension `at` holds: its only factor's; for a dimension of length 1 the axis that no other
 * dimension has (channels for dimension 1, time before features for the spatial ones). Refuses a dimension of
 * several axes.
 */
export function axisOfDim(layout: Layout, at: number, firstSpatial: Axis = 't'): Axis {
  const factors = layout[at] ?? [];
  const [only] = factors;
  if (only) {
    if (factors.length > 1) refuse(`dimension ${at} of ${showLayout(layout)} mixes axes`);
    return only.axis;
  }
  const taken = new Set(layout.flat().map((f) => f.axis));
  const spatial: Axis[] = firstSpatial === 't' ? ['t', 'f'] : ['f', 't'];
  const wanted: Axis[] =
    at <= 1 ? ['c', ...spatial] : [...(at === 3 && !taken.has('t') && !taken.has('f') ? spatial.reverse() : spatial), 'c'];
  return wanted.find((axis) => !taken.has(axis)) ?? refuse(`dimension ${at} of ${showLayout(layout)} holds no axis`);
}
