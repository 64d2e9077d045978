/**
 * Lowers STFT and DFT of real signals.
 *
 * In: STFT: samples [n, t(, 1)], and constant frame step, length and window. DFT: frames [..., k, 1] whose k
 * values are channels.  Out: [n, frames, bins, 2] with bins as channels, and the real and imaginary parts as
 * two feature rows. Each part is a convolution with a cosine or a sine times the window.
 * Source: ONNX STFT-17, DFT-17 and DFT-20: X[b] = sum over n of x[n] w[n] exp(-2 pi i b n / length).
 * Cost: 2 * bins * length products per frame.
 */
import { kernelOfOne, noClamp } from '../../../graph/types.ts';
import { dim, type Factor, fileShapeOf, type Layout, showLayout } from '../../layout.ts';
import type { Lowering, NodeView } from '../context.ts';
import { axisIn } from '../dims.ts';
import { refuse } from '../refuse.ts';
import { type Activation, axisOfDim, type Value, wholeAxis } from '../values.ts';

/** A transform of `length` over `taps` values of the input. The length may be shorter or longer than them. */
interface Transform {
  length: number;
  taps: number;
  window?: ArrayLike<number> | undefined;
  /** Frame step along time, in samples; default: the transform runs over the channels of each frame. */
  step?: number;
}

export function lowerStft(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0);
  const dims = fileShapeOf(x.layout);
  if (dims.length < 2 || dims.length > 3 || (dims[2] ?? 1) !== 1)
    refuse(`a signal of [${dims.join(', ')}]: only real samples are supported`);
  const { f, c } = ctx.builder.shape(x.tensor);
  if (axisOfDim(x.layout, 1) !== 't' || f * c !== 1) refuse(`its samples are not the frames of ${showLayout(x.layout)}`);
  const window = ctx.optional(node, 2, 'window')?.data;
  const step = ctx.constant(node, 1, 'frame step').data[0] as number;
  const length = ctx.optional(node, 3, 'frame length')?.data[0] ?? window?.length ?? 0;
  const whole = [step, length].every((n) => Number.isInteger(n) && n >= 1);
  if (!(whole && length <= (dims[1] as number)) || (window && window.length !== length))
    refuse(`frames of ${length} samples, ${step} apart, with a window of ${window?.length ?? 'ones'}, of ${dims[1]} samples`);
  return [spectrum(ctx, node, x, { length, taps: length, window, step }, ([bins, parts], frames) => [[], frames, bins, parts])];
}

export function lowerDft(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0);
  const dims = fileShapeOf(x.layout);
  const last = dims.length - 1;
  const given = ctx.optional(node, 2, 'axis')?.data[0] ?? node.attributes.int('axis', ctx.opset >= 20 ? -2 : 1);
  const at = axisIn(given, dims.length);
  if (node.attributes.int('inverse', 0) !== 0) refuse('an inverse transform');
  if (at === last || dims[last] !== 1) refuse(`axis ${given} of [${dims.join(', ')}]: only real values, [..., 1], are supported`);
  if (axisOfDim(x.layout, at) !== 'c' || ctx.builder.shape(x.tensor).f !== 1)
    refuse(`its values are not the channels of ${showLayout(x.layout)}`);
  wholeAxis(x.layout, at, 'c');
  const taps = dims[at] as number;
  const length = ctx.optional(node, 1, 'length')?.data[0] ?? taps;
  if (!(Number.isInteger(length) && length >= 1 && length < 2 ** 20)) refuse(`a length of ${length}`);
  return [spectrum(ctx, node, x, { length, taps }, ([bins, parts]) => x.layout.with(at, bins).with(last, parts))];
}

/** Emits a transform. @param layoutOf makes the layout from the dimensions of bins, parts and frames. */
function spectrum(
  ctx: Lowering,
  node: NodeView,
  x: Activation,
  { length, taps, window, step }: Transform,
  layoutOf: (frame: [readonly Factor[], readonly Factor[]], frames: readonly Factor[]) => Layout,
): Activation {
  if (ctx.quantised) refuse('a transform in a quantised graph');
  const isOneSided = node.attributes.int('onesided', node.op === 'STFT' ? 1 : 0) === 1;
  const bins = isOneSided ? Math.floor(length / 2) + 1 : length;
  ctx.budget.spend(2 * bins * taps, node.name);
  const geometry = step === undefined ? kernelOfOne : { ...kernelOfOne, kernelT: taps, strideT: step };
  const parts = ['re', 'im'].map((part) => {
    const data = new Float32Array(bins * taps);
    for (let b = 0; b < bins; b++)
      for (let n = 0; n < Math.min(taps, length); n++) {
        const angle = (2 * Math.PI * ((b * n) % length)) / length;
        data[b * taps + n] = (window?.[n] ?? 1) * (part === 're' ? Math.cos(angle) : -Math.sin(angle));
      }
    const attrs = { ...geometry, groups: 1, outChannels: bins, weights: { data }, bias: null, clamp: noClamp };
    return ctx.emit('conv', [x.tensor], attrs, `${node.name}/${part}`);
  });
  const tensor = ctx.emit('concat', parts, { axis: 'f' }, node.name);
  return ctx.activationOf(tensor, layoutOf([dim('c', bins), dim('f', 2)], dim('t', ctx.builder.shape(tensor).t)));
}
