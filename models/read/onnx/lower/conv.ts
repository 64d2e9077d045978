/**
 * Lowers Conv and BatchNormalization.
 *
 * In: [n, c, s1(, s2)] activations and constant weights [o, i / groups, k1(, k2)].  Out: conv, or depthwise
 * if every channel is a group. If the channel dimension holds channels and feature rows (c * f after a
 * reshape), the kernel covers all feature rows. Source: ONNX Conv-11, BatchNormalization-15; y = scale *
 * (x - mean) / sqrt(var + epsilon) + B.
 */
import { noClamp } from '../../../graph/types.ts';
import { type Factor, showLayout } from '../../layout.ts';
import type { Attributes } from '../attributes.ts';
import { foldConstant } from '../constants.ts';
import type { Lowering, NodeView } from '../context.ts';
import { refuse } from '../refuse.ts';
import type { Const } from '../tensor.ts';
import { type Activation, axisOfDim, type Value } from '../values.ts';
import { outputLayout, slidingOf } from './geometry.ts';
import { withFeatures } from './regroup.ts';

export function lowerConv(ctx: Lowering, node: NodeView): Value[] {
  const given = ctx.activation(node, 0, { pads: true });
  const stated = ctx.constant(node, 1, 'weights');
  const shaped = node.attributes.ints('kernel_shape') ?? stated.dims.slice(2);
  const { x: turned, w, kernel } = channelsOfKernel(given, stated, shaped, node.attributes);
  const x = withFeatures(ctx, node, turned);
  const groups = node.attributes.int('group', 1);
  const sliding = slidingOf(x, node.attributes, kernel);
  const { geometry } = sliding;
  const [outChannels = 0, perGroup = 0] = w.dims;
  if (w.dims.length !== kernel.length + 2 || kernel.some((k, i) => k !== w.dims[i + 2])) {
    refuse(`weights of [${w.dims.join(', ')}] for a kernel of [${kernel.join(', ')}]`);
  }
  const shape = ctx.builder.shape(x.tensor);
  const inChannels = sliding.channel.reduce((product, f) => product * f.length, 1);
  if (groups < 1 || outChannels < 1 || inChannels !== perGroup * groups || outChannels % groups !== 0) {
    refuse(`weights of [${w.dims.join(', ')}] in ${groups} group(s) for ${inChannels} channels`);
  }
  const order = channelOrder(sliding.channel, x);
  const overRows = order.includes('f');
  if (overRows) {
    if (groups !== 1 || sliding.axes.includes('f')) refuse('its channels hold feature rows, in a grouped or 2-D convolution');
    geometry.kernelF = shape.f;
  } else if (inChannels !== shape.c) {
    refuse(`${inChannels} channels of ${showLayout(x.layout)}`);
  }
  const { kernelT, kernelF } = geometry;
  const depthwise = groups === inChannels && groups > 1;
  const rows = outChannels * kernelT * kernelF * (depthwise ? 1 : perGroup / (overRows ? shape.f : 1));
  const index = new Uint32Array(rows);
  const perKernel = kernel.reduce((a, b) => a * b, 1);
  /** Returns the flat index of tap (kt, kf) in the file's kernel. */
  const tap = (kt: number, kf: number) =>
    sliding.axes.reduce((at, axis, i) => at * (kernel[i] as number) + (axis === 't' ? kt : axis === 'f' ? kf : 0), 0);
  const inner = overRows ? shape.c : perGroup;
  let at = 0;
  if (depthwise) {
    for (let kt = 0; kt < kernelT; kt++) {
      for (let kf = 0; kf < kernelF; kf++) for (let o = 0; o < outChannels; o++) index[at++] = o * perKernel + tap(kt, kf);
    }
  } else {
    for (let o = 0; o < outChannels; o++) {
      for (let kt = 0; kt < kernelT; kt++) {
        for (let kf = 0; kf < kernelF; kf++) {
          for (let i = 0; i < inner; i++) {
            const channel = overRows ? (order[0] === 'f' ? kf * shape.c + i : i * shape.f + kf) : i;
            index[at++] = (o * perGroup + channel) * perKernel + tap(kt, overRows ? 0 : kf);
          }
        }
      }
    }
  }
  const weights = ctx.weights(w, index, 0);
  const bias = ctx.bias(ctx.optional(node, 2, 'bias'), outChannels, x.tensor, weights);
  const tensor = depthwise
    ? ctx.emit(
        'depthwise',
        [x.tensor],
        { ...geometry, multiplier: outChannels / groups, weights, bias, clamp: noClamp },
        node.name,
      )
    : ctx.emit('conv', [x.tensor], { ...geometry, groups, outChannels, weights, bias, clamp: noClamp }, node.name);
  const out = ctx.builder.shape(tensor);
  return [ctx.activationOf(tensor, outputLayout(sliding, out.t, out.f, out.c))];
}

/**
 * Exchanges the channel dimension and a spatial dimension, in two cases. First, the channel dimension is 1
 * and the kernel covers a spatial dimension that holds channels here (MusiCNN: [n, 1, t, c]): its places
 * become channels. Second, the channel dimension holds frames here and a spatial dimension is 1 (DTLN: a
 * block of samples as channels): the channels become a kernel over all frames. A kernel on padding has
 * several places, so it is left as it is.
 */
function channelsOfKernel(
  x: Activation,
  w: Const,
  kernel: number[],
  attributes: Attributes,
): { x: Activation; w: Const; kernel: number[] } {
  const pads = attributes.ints('pads') ?? [];
  const autoPads = attributes.string('auto_pad', 'NOTSET').startsWith('SAME');
  const isPadded = (d: number) => autoPads || [d - 2, d - 2 + kernel.length].some((i) => (pads[i] ?? 0) > 0);
  const isOnly = (d: number, axis: 'c' | 't') => x.layout[d]?.length === 1 && x.layout[d]?.[0]?.axis === axis;
  const places = x.layout
    .map((_, d) => d)
    .slice(2)
    .filter((d) => !isPadded(d));
  const [channels] = x.layout[1] ?? [];
  const toChannels = places.find((d) => isOnly(d, 'c') && kernel[d - 2] === x.layout[d]?.[0]?.length);
  const toFrames = isOnly(1, 't') ? places.find((d) => x.layout[d]?.length === 0 && kernel[d - 2] === 1) : undefined;
  const at = channels === undefined && w.dims[1] === 1 ? toChannels : toFrames;
  if (at === undefined) return { x, w, kernel };
  const swap = <T>(list: readonly T[]): T[] => list.with(1, list[at] as T).with(at, list[1] as T);
  const perm = { kind: 'ints', value: swap(w.dims.map((_, d) => d)) } as const;
  const node = { name: '', op: 'Transpose', domain: '', inputs: ['w'], outputs: ['y'], attributes: new Map([['perm', perm]]) };
  const turned = foldConstant(node, { inputs: [w] }) ?? w;
  return { x: { ...x, layout: swap(x.layout) }, w: turned, kernel: kernel.with(at - 2, turned.dims[at] as number) };
}

/** Returns the axes of the channel dimension: [c], [f], [c, f] or [f, c]; [] counts as [c]. */
export function channelOrder(channel: readonly Factor[], x: Activation): ('c' | 'f')[] {
  const axes = channel.map((f) => f.axis);
  if (axes.includes('t') || new Set(axes).size !== axes.length) refuse(`its channels would mix frames: ${showLayout(x.layout)}`);
  return axes.length === 0 ? ['c'] : (axes as ('c' | 'f')[]);
}

export function lowerBatchNormalization(ctx: Lowering, node: NodeView): Value[] {
  const x = ctx.activation(node, 0);
  const epsilon = node.attributes.float('epsilon', 1e-5);
  node.attributes.ignore('momentum');
  if (node.attributes.int('training_mode', 0) !== 0 || node.outputs.length > 1)
    refuse('it is in training mode (rule R10): its statistics would run over the window; export the model in evaluation mode');
  if (node.attributes.int('spatial', 1) !== 1) refuse('statistics per place (spatial = 0)');
  const [scale, offset, mean, variance] = ['scale', 'B', 'mean', 'variance'].map(
    (what, i) => ctx.constant(node, i + 1, what).data,
  );
  const c = ctx.channelsOf(x);
  // if the file has one channel, the channels of the graph may be in another dimension
  const isOne = x.layout[1]?.length === 0;
  if (x.layout.length < 2 || (!isOne && axisOfDim(x.layout, 1) !== 'c'))
    refuse(`its channels (dimension 1) are not those of ${showLayout(x.layout)}`);
  const channels = isOne ? 1 : c;
  if (!scale || !offset || !mean || !variance || [scale, offset, mean, variance].some((p) => p.length !== channels)) {
    return refuse(`its parameters do not have ${channels} channels`);
  }
  const each = (of: (i: number) => number) => Float64Array.from({ length: c }, (_, i) => of(isOne ? 0 : i));
  const factor = each((i) => (scale[i] as number) / Math.sqrt((variance[i] as number) + epsilon));
  const shift = each((i) => (offset[i] as number) - (mean[i] as number) * (factor[i] as number));
  // the output has mean B and deviation |scale|: for bias correction without data and for the check of units
  const moments = { mean: each((i) => offset[i] as number), deviation: each((i) => Math.abs(scale[i] as number)) };
  return [ctx.scaleAndOffset(x, factor, shift, node.name, noClamp, ctx.quantised ? undefined : moments)];
}
