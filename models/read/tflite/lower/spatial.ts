/**
 * Spatial: which file dimensions of an NHWC operator are time and features, and its explicit padding.
 *
 * In: the layout of a 4-D input and the operator's per-dimension numbers (height, width).  Out: the same as
 * (t, f). Unit dimensions carry no axis: beside a labelled one they are the other axis; two of them are (t,
 * f) in that order. Where each frame is an entry of the batch (TimeDistributed layers), nothing slides over
 * time.
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
  /** The feature rows lie in the channel dimension, before the channels: the operator sees f * c channels. */
  merged: boolean;
  /** The frames are the batch. */
  batch: boolean;
}

/**
 * The axes of an NHWC input. RN106 where it is not 4-D. A Refusal where a dimension mixes axes, or the batch
 * is not 1. @param frames the batch may be frames
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

/** Picks time's and features' numbers out of (height, width). */
export const pick = (s: Spatial, height: number, width: number): { t: number; f: number } =>
  s.tDim === 1 ? { t: height, f: width } : { t: width, f: height };

/** Kernel and stride along time and features. */
export function slides(op: TfOperator, s: Spatial, kernel: [number, number], stride: [number, number]) {
  const along = (what: string, [height, width]: [number, number]) =>
    pick(s, positive(op, `${what} height`, height), positive(op, `${what} width`, width));
  const [over, by] = [along('kernel', kernel), along('stride', stride)];
  if (s.batch && over.t !== 1) throw new Refusal('its kernel covers a dimension of length 1, and the frames are its batch');
  return { kernel: over, stride: s.batch ? { ...by, t: 1 } : by };
}

/** Explicit padding of one dimension of `length` places. */
export function padding(
  same: boolean,
  length: number,
  kernel: number,
  stride: number,
  dilation: number,
): readonly [number, number] {
  return same ? samePadding(length, (kernel - 1) * dilation + 1, stride) : [0, 0];
}

/** The padding option: 0 SAME, 1 VALID. */
export function isSame(op: TfOperator, code: number): boolean {
  if (code === 0 || code === 1) return code === 0;
  throw malformed(op, `padding ${code} is unknown`);
}

/** Kernel, stride or dilation: a whole number from 1 to 65535. */
export function positive(op: TfOperator, what: string, value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= 65535) return value;
  throw malformed(op, `${what} ${value} is out of range`);
}

/** The layout of an NHWC output: the input's dimensions with their new lengths. */
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

/** The input's padding by PAD, or its earlier rows, plus the operator's own. */
export const addPad = (value: Value, axis: 't' | 'f', own: readonly [number, number]): readonly [number, number] => {
  const past = axis === 't' ? (value.history?.before ?? 0) : 0;
  const [before, after] = value.pad?.[axis] ?? [past, 0];
  return [before + own[0], after + own[1]];
};
