/**
 * Value: what the reader knows of a named value of the file while it lowers the graph.
 *
 * A value is a constant, or an activation: a tensor of the new graph and the layout of its file dimensions.
 * An activation also keeps the padding of a Pad until a convolution applies it.
 */
import type { Axis } from '../../graph/types.ts';
import { fileShapeOf, type Layout, showLayout } from '../layout.ts';
import type { Weighted as RowsTimesWeights } from '../over-time.ts';
import { refuse } from './refuse.ts';
import type { Const } from './tensor.ts';

/** Zeros [before, after] along t and f from an ONNX Pad. */
export interface AxisPads {
  t: readonly [number, number];
  f: readonly [number, number];
}

export interface Activation {
  kind: 'activation';
  /** Tensor id in the builder. */
  tensor: number;
  /** Layout of the file's dimensions, with the padding. */
  layout: Layout;
  pads?: AxisPads;
  /** True: the value is a DequantizeLinear's output (of a tensor whose scale is known). */
  dequantised?: boolean;
  /** The integer type, if the value is a QuantizeLinear's output or an integer graph input. */
  integer?: 'int8' | 'uint8';
  /** The state element that each element becomes the next value of (models/read/states.ts); -1: none. */
  next?: Const;
}

/**
 * Elements of states, by their numbers. `now`: their current values. `next`: values that only become their
 * next values and that no operator reads.
 */
export interface Elements {
  kind: 'elements';
  when: 'now' | 'next';
  ids: Const;
}

/** Rows times weights; a sum over time makes one product of them (models/read/over-time.ts). */
export interface Weighted extends RowsTimesWeights {
  kind: 'weighted';
}

/** `poisoned`: its producer is unsupported, so nothing is known about its consumers. */
export type Value = Const | Activation | Elements | Weighted | { kind: 'poisoned' };

export function dimsOf(value: Exclude<Value, { kind: 'poisoned' }>): number[] {
  if (value.kind === 'const') return value.dims;
  if (value.kind === 'elements') return value.ids.dims;
  return fileShapeOf(value.kind === 'weighted' ? value.rows.layout : value.layout);
}

/**
 * Refuses if a dimension other than `at` also holds a part of `axis`: an operator along dimension `at` would
 * read only part of the axis.
 */
export function wholeAxis(layout: Layout, at: number, axis: Axis): void {
  const elsewhere = layout.some((factors, i) => i !== at && factors.some((f) => f.axis === axis));
  if (elsewhere) refuse(`axis ${axis} lies in two dimensions of ${showLayout(layout)}`);
}

/** Checks whether two layouts have the same factors in every dimension. */
export function sameLayout(a: Layout, b: Layout): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * Returns the axis that dimension `at` holds. A dimension of length 1 gets an axis that no other dimension
 * has: channels for dimension 1, time before features for the spatial ones. Refuses a dimension with several
 * axes.
 * @param first spatial axis to take first, or `c` if channels go before both
 */
export function axisOfDim(layout: Layout, at: number, first: Axis = 't'): Axis {
  const factors = layout[at] ?? [];
  const [only] = factors;
  if (only) {
    if (factors.length > 1) refuse(`dimension ${at} of ${showLayout(layout)} mixes axes`);
    return only.axis;
  }
  const taken = new Set(layout.flat().map((f) => f.axis));
  const isTimeFirst = first !== 'f' && !(at === 3 && !taken.has('t') && !taken.has('f'));
  const spatial: Axis[] = isTimeFirst ? ['t', 'f'] : ['f', 't'];
  const wanted: Axis[] = at <= 1 || first === 'c' ? ['c', ...spatial] : [...spatial, 'c'];
  return wanted.find((axis) => !taken.has(axis)) ?? refuse(`dimension ${at} of ${showLayout(layout)} holds no axis`);
}
