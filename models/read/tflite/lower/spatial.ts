/**
 * Spatial: finds the time and feature dimensions of an NHWC operator, and computes its explicit padding.
 *
 * In: the layout of a 4-D input and the operator's numbers for height and width.
 * Out: the numbers as (t, f). A dimension of length 1 has no axis of its own: it takes the axis that the
 * other dimension leaves; two such dimensions are t and f, in this order. If the batch holds the frames
 * (TimeDistributed layers), nothing slides over time.
 * Source: TensorFlow Lite padding: out = ceil(in / stride) for SAME, total = max((out - 1) * stride + extent
 * - in, 0), before = floor(total / 2).
 */
import type { Shape } from '../../../graph/types.ts';
import { type Layout, samePadding, showLayout } from '../../layout.ts';
import { axisOf, factorsOf, malformed, Refusal, type Value } from '../context.ts';
import type { TfOperator } from '../model.ts';

export interface Spatial {
  /** File dimensions (1 or 2) of time and features. */
  tDim: 1 | 2;
  fDim: 1 | 2;
  /** True if dimension 3 holds feature rows before the channels: the operator sees f * c channels. */
  merged: boolean;
  /** True if the batch holds the frames. */
  batch: boolean;
}

/**
 * Returns the axes of an NHWC input. @param frames true if the batch may hold frames. @throws RunletError
 * RN106 if it is not 4-D; Refusal if a dimension mixes axes, or if the batch is not 1
 */
export function spatialOf(op: TfOperator, layout: Layout, frames = false): Spatial {
  if (layout.length !== 4) throw malformed(op, `its input has ${layout.length} dimensions, 4 are expected`);
  const axes = [axisOf(layout, 1), axisOf(layout, 2)];
  const batch = frames && axisOf(layout, 0) === 't';
  if ((factorsOf(layout, 0).length > 0 && !batch) || (batch && axes.includes('t')))
    throw new Refusal(`its batch is not 1: ${showLayout(layout)}`);
  const channels = factorsOf(layout, 3).map((f) => f.axis);
  const merged = channels[0] === 'f';
  const rest = merged ? channels.slice(1) : channels;
  if (axes.includes('c') || rest.some((axis) => axis !== 'c') || rest.length > 1 || (merged && axes.includes('f'))) {
    throw new Refusal(`its dimensions are not time, features and channels: ${showLayout(layout)}`);
  }
  const tDim = axes[1] === 't' || axes[0] === 'f' ? 2 : 1;
  if (batch && axes[tDim - 1]) throw new Refusal(`its batch holds frames of two dimensions: ${showLayout(layout)}`);
  return { tDim, fDim: tDim === 1 ? 2 : 1, merged, batch };
}

/** Returns (height, width) as (t, f). */
export const pick = (s: Spatial, height: number, width: number): { t: number; f: number } =>
  s.tDim === 1 ? { t: height, f: width } : { t: width, f: height };

/** Returns kernel and stride along time and features. */
export function slides(op: TfOperator, s: Spatial, kernel: [number, number], stride: [number, number]) {
  const along = (what: string, [height, width]: [number, number]) =>
    pick(s, positive(op, `${what} height`, height), positive(op, `${what} width`, width));
  const [over, by] = [along('kernel', kernel), along('stride', stride)];
  if (s.batch && over.t !== 1) throw new Refusal('its kernel covers a dimension of length 1, and the frames are its batch');
  return { kernel: over, stride: s.batch ? { ...by, t: 1 } : by };
}

/** Returns the explicit padding of a dimension of `length` elements. */
export function padding(
  same: boolean,
  length: number,
  kernel: number,
  stride: number,
  dilation: number,
): readonly [number, number] {
  return same ? samePadding(length, (kernel - 1) * dilation + 1, stride) : [0, 0];
}

/** Checks whether the padding option is SAME: code 0 is SAME, 1 VALID. */
export function isSame(op: TfOperator, code: number): boolean {
  if (code === 0 || code === 1) return code === 0;
  throw malformed(op, `padding ${code} is unknown`);
}

/** Returns a kernel length, stride or dilation; checks that it is a whole number from 1 to 65535. */
export function positive(op: TfOperator, what: string, value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= 65535) return value;
  throw malformed(op, `${what} ${value} is out of range`);
}

/** Returns the layout of an NHWC output: the input's dimensions with their new lengths. */
export const spatialLayout =
  (s: Spatial) =>
  (shape: Shape): Layout => {
    const t = [{ axis: 't' as const, length: shape.t }];
    const f = [{ axis: 'f' as const, length: shape.f }];
    const c = { axis: 'c' as const, length: shape.c };
    const [frames, rows, channels] = [s.batch ? [] : t, s.merged ? [] : f, s.merged ? [...f, c] : [c]];
    const [height, width] = s.tDim === 1 ? [frames, rows] : [rows, frames];
    return [s.batch ? t : [], height, width, channels];
  };

/** Returns the operator's padding plus the input's padding by PAD, or its earlier rows. */
export const addPad = (value: Value, axis: 't' | 'f', pad: readonly [number, number]): readonly [number, number] => {
  const past = axis === 't' ? (value.history?.before ?? 0) : 0;
  const [before, after] = value.pad?.[axis] ?? [past, 0];
  return [before + pad[0], after + pad[1]];
};
