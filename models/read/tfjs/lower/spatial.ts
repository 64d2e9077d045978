/**
 * Geometry of sliding layers: kernels, strides, dilations and padding along t and f, from config fields in
 * the order of the dimensions.
 *
 * Formula: 'same' pads max((ceil(n / stride) - 1) * stride + extent - n, 0) in total, the smaller half first;
 * 'causal' pads extent - 1 before.
 * Source: TensorFlow's padding schemes, tfjs-core conv_util.
 */
import { type Axis, type DilatedAttrs, kernelOfOne, type Shape } from '../../../graph/types.ts';
import { dim, type Factor, type Layout, samePadding, showLayout, slideAlong } from '../../layout.ts';
import { Config } from '../config.ts';
import type { Context, Value } from '../context.ts';
import { refuse } from '../fail.ts';
import type { Layer } from '../model.ts';

/** Returns the axes of the spatial dimensions of [n, ..., c]; one of length 1 takes the remaining axis. */
export function spatialAxes(x: Value, count: number): ('t' | 'f')[] {
  if (x.layout.length !== count + 2) refuse(`an input of ${x.layout.length} dimensions`);
  const single = (at: number): Axis | undefined => {
    const factors = x.layout[at] ?? [];
    if (factors.length > 1) refuse(`dimension ${at} of ${showLayout(x.layout)} mixes axes`);
    return factors[0]?.axis;
  };
  const channel = single(count + 1);
  if ((channel !== undefined && channel !== 'c') || (x.layout[0] ?? []).length > 0)
    refuse(`its channels are not those of ${showLayout(x.layout)}`);
  const found = Array.from({ length: count }, (_, i) => single(i + 1));
  if (found.includes('c')) refuse(`it slides over channels: ${showLayout(x.layout)}`);
  const rest = (['t', 'f'] as const).filter((axis) => !found.includes(axis));
  return found.map((axis) => (axis ?? rest.shift()) as 't' | 'f');
}

/** Makes feature rows of the outermost part of the channels if a layer would slide over the channels. */
export function withRows(ctx: Context, x: Value): Value {
  const { layout } = x;
  const frame = layout.flat().filter(({ axis }) => axis !== 't');
  const slides = layout.slice(0, -1).some((factors) => factors.some(({ axis }) => axis === 'c'));
  const [only] = frame;
  if (!slides || !only || frame.some(({ axis }) => axis !== 'c')) return x;
  const rows = (factors: readonly Factor[]): Factor[] => factors.map((f) => (f === only ? { ...f, axis: 'f' } : f));
  const name = `${ctx.builder.tensors[x.tensor]?.name}/rows`;
  const from = ctx.activationOf(x.tensor, layout);
  return { ...x, ...ctx.put('regroup', [from], { f: only.length }, name, () => layout.map(rows)) };
}

/** Returns the value, the config and the spatial axes of a layer over `count` spatial dimensions. */
export function spatialInput(layer: Layer, [x]: readonly Value[], count: number) {
  const [value, config] = [x as Value, new Config(layer)];
  config.channelsLast();
  return { value, config, axes: spatialAxes(value, count) };
}

/** Returns the geometry; `kernel`, `strides` and `dilations` are in the order of the dimensions. */
export function slidingOf(
  x: Value,
  config: Config,
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): DilatedAttrs {
  const axes = spatialAxes(x, kernel.length);
  const padding = config.text('padding', 'valid');
  const one: DilatedAttrs = { ...kernelOfOne };
  for (const [i, axis] of axes.entries()) {
    const [k, stride, dilation] = [kernel[i], strides[i], dilations[i]] as [number, number, number];
    const length = (x.layout[i + 1] ?? []).reduce((n, f) => n * f.length, 1);
    const [before, after] = padOf(padding, length, (k - 1) * dilation + 1, stride);
    const [more, less] = x.pads?.[axis] ?? [0, 0];
    const pad: [number, number] = [before + more, after + less];
    slideAlong(one, axis, k, stride, dilation, pad);
  }
  return one;
}

function padOf(padding: string, length: number, extent: number, stride: number): [number, number] {
  if (padding === 'valid') return [0, 0];
  if (padding === 'causal') return [extent - 1, 0];
  if (padding !== 'same') return refuse(`padding ${padding}`);
  return samePadding(length, extent, stride);
}

/** Returns the layout [n, spatial..., c] of an output. */
export const spatialLayout =
  (axes: readonly ('t' | 'f')[]) =>
  (out: Shape): Layout => [[], ...axes.map((axis) => dim(axis, out[axis])), dim('c', out.c)];
