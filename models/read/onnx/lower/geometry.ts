/**
 * Geometry: kernels, strides, dilations and paddings of ONNX's sliding operators, along t and f.
 *
 * In: a node's attributes and its input's layout [n, c, s1(, s2)].  Out: the sliding geometry of the graph's
 * operators. Formula: SAME pads max((ceil(in / stride) - 1) * stride + (kernel - 1) * dilation + 1 - in, 0)
 * in total. Source: ONNX Conv, MaxPool, AveragePool (auto_pad, ceil_mode).
 */
import { type Axis, type DilatedAttrs, kernelOfOne } from '../../../graph/types.ts';
import { dim, type Factor, fileShapeOf, samePadding, showLayout, slideAlong } from '../../layout.ts';
import type { Attributes } from '../attributes.ts';
import { refuse } from '../refuse.ts';
import { type Activation, axisOfDim, wholeAxis } from '../values.ts';

export interface Sliding {
  geometry: DilatedAttrs;
  /** Axis of each spatial dimension; undefined for one of length 1 over which nothing slides. */
  axes: (Axis | undefined)[];
  /** Factors of the batch dimension: none, or frames or features that the model treats as a batch. */
  batch: readonly Factor[];
  /** Factors of the channel dimension, outermost first. */
  channel: readonly Factor[];
}

/**
 * Returns how a kernel slides over `x`. @param kernel lengths in file order.
 * @param partial `pad`: padding completes partial windows of ceil_mode; `refuse` (default) refuses them.
 */
export function slidingOf(
  x: Activation,
  attributes: Attributes,
  kernel: readonly number[],
  partial: 'pad' | 'refuse' = 'refuse',
): Sliding {
  const dims = fileShapeOf(x.layout);
  const rank = dims.length - 2;
  if (rank < 1 || rank > 2) refuse(`an input of ${dims.length} dimensions`);
  const batch = x.layout[0] ?? [];
  const [axis] = batch.map((one) => one.axis);
  if (axis === 'c' || batch.length > 1) refuse(`its batch dimension holds ${batch.map((f) => f.axis).join(', ')}`);
  if (axis) wholeAxis(x.layout, 0, axis);
  const strides = attributes.ints('strides') ?? new Array<number>(rank).fill(1);
  const dilations = attributes.ints('dilations') ?? new Array<number>(rank).fill(1);
  const pads = attributes.ints('pads') ?? new Array<number>(2 * rank).fill(0);
  const autoPad = attributes.string('auto_pad', 'NOTSET');
  const ceil = attributes.int('ceil_mode', 0);
  if (kernel.length !== rank || strides.length !== rank || dilations.length !== rank || pads.length !== 2 * rank) {
    refuse(`kernel, strides, dilations or pads do not fit ${rank} spatial dimension${rank > 1 ? 's' : ''}`);
  }
  const positive = [...kernel, ...strides, ...dilations].every((v) => Number.isInteger(v) && v >= 1 && v < 2 ** 24);
  if (!positive || !pads.every((p) => Number.isInteger(p) && p >= 0 && p < 2 ** 24))
    refuse('its kernel, strides, dilations or pads are out of range');
  const axes = kernel.map((k, i) => {
    const still = dims[i + 2] === 1 && k === 1 && pads[i] === 0 && pads[i + rank] === 0;
    return still ? undefined : axisOfDim(x.layout, i + 2);
  });
  const sliding = axes.filter((axis) => axis !== undefined);
  if (sliding.includes('c') || new Set(sliding).size !== sliding.length)
    refuse(`its spatial dimensions are ${sliding.join(', ')} of ${showLayout(x.layout)}`);
  for (const [i, axis] of axes.entries()) if (axis) wholeAxis(x.layout, i + 2, axis);
  const geometry: DilatedAttrs = { ...kernelOfOne };
  for (const [i, axis] of axes.entries()) {
    if (axis === undefined) continue;
    const k = kernel[i] as number;
    const stride = strides[i] as number;
    const dilation = dilations[i] as number;
    const extent = (k - 1) * dilation + 1;
    const pending = x.pads?.[axis as 't' | 'f'] ?? [0, 0];
    const length = dims[i + 2] as number;
    const pad = padOf(autoPad, length, extent, stride, [pads[i] as number, pads[i + rank] as number]);
    if (ceil === 1) addPartial(pad, length, extent, stride, partial);
    const total: [number, number] = [pad[0] + pending[0], pad[1] + pending[1]];
    slideAlong(geometry, axis as 't' | 'f', k, stride, dilation, total);
  }
  for (const axis of ['t', 'f'] as const) {
    const pending = x.pads?.[axis] ?? [0, 0];
    if (!axes.includes(axis) && pending[0] + pending[1] > 0) refuse(`a Pad along ${axis}, over which it does not slide`);
  }
  return { geometry, axes, batch, channel: x.layout[1] ?? [] };
}

function padOf(autoPad: string, length: number, extent: number, stride: number, pads: [number, number]): [number, number] {
  switch (autoPad) {
    case 'NOTSET':
    case '':
      return pads;
    case 'VALID':
      return [0, 0];
    case 'SAME_UPPER':
    case 'SAME_LOWER': {
      const [less, more] = samePadding(length, extent, stride);
      return autoPad === 'SAME_UPPER' ? [less, more] : [more, less];
    }
  }
  return refuse(`auto_pad ${autoPad}`);
}

/** Pads for ceil_mode: a last window that starts inside the input counts, even if it ends after the input. */
function addPartial(pad: [number, number], length: number, extent: number, stride: number, partial: 'pad' | 'refuse'): void {
  const room = length + pad[0] + pad[1] - extent;
  if (room < 0) refuse('its kernel is larger than its padded input');
  let outputs = Math.ceil(room / stride) + 1;
  if ((outputs - 1) * stride >= length + pad[0]) outputs--;
  const missing = (outputs - 1) * stride - room;
  if (missing <= 0) return;
  if (partial === 'refuse') refuse('ceil_mode adds a window that ends after the padding, whose divisor differs');
  pad[1] += missing;
}

/** Returns the layout [n, channels, s1(, s2)] of an output of shape (t, f, c). */
export const outputLayout = (sliding: Sliding, t: number, f: number, c: number): (readonly Factor[])[] => [
  sliding.batch.flatMap(({ axis }) => dim(axis, axis === 't' ? t : f)),
  dim('c', c),
  ...sliding.axes.map((axis) => (axis === undefined ? [] : dim(axis, axis === 't' ? t : f))),
];
