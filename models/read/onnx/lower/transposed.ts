/**
 * Lowers ConvTranspose: inserts zeros between rows according to the stride, then convolves with the reversed
 * kernel.
 *
 * In: [n, c, s1(, s2)] activations, weights [i, o / groups, k1(, k2)].  Out: upsample and conv. Source: ONNX
 * ConvTranspose-11: out = stride (in - 1) + output_padding + (k - 1) dilation + 1 - pads.
 */
import { noClamp } from '../../../graph/types.ts';
import { dim, fileShapeOf, showLayout } from '../../layout.ts';
import type { Lowering, NodeView } from '../context.ts';
import { refuse } from '../refuse.ts';
import type { Const } from '../tensor.ts';
import { type Activation, axisOfDim, type Value, wholeAxis } from '../values.ts';

interface Along {
  axis: 't' | 'f';
  kernel: number;
  stride: number;
  dilation: number;
  pad: [number, number];
}

const still = (axis: 't' | 'f'): Along => ({ axis, kernel: 1, stride: 1, dilation: 1, pad: [0, 0] });

/** Returns the rows that the convolution pads to give as many rows as the operator. */
function padding(
  length: number,
  stride: number,
  extent: number,
  given: [number, number, number],
  auto: string,
): [number, number] {
  const whole = stride * (length - 1) + extent;
  const [before, after, extra] = given;
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const over = Math.max(0, whole - stride * length);
    const [less, more] = [Math.floor(over / 2), Math.ceil(over / 2)];
    const first = auto === 'SAME_UPPER' ? less : more;
    return [extent - 1 - first, extent - 1 - (over - first) + Math.max(0, stride * length - whole)];
  }
  return [extent - 1 - before, extent - 1 - after + extra];
}

/** The operator's attributes, with one entry per spatial dimension. */
interface Attributes {
  kernel: readonly number[];
  strides: readonly number[];
  dilations: readonly number[];
  /** Rows of the output in addition to those that the other attributes give (output_padding). */
  extra: readonly number[];
  /** Zeros before each dimension, then those after each. */
  pads: readonly number[];
  auto: string;
}

/** Returns the attributes; refuses those that do not fit the weights or the rank of the input. */
function attributesOf({ attributes }: NodeView, x: Activation, w: Const): Attributes {
  const rank = x.layout.length - 2;
  const list = (name: string, absent: number) => attributes.ints(name) ?? new Array<number>(rank).fill(absent);
  const kernel = attributes.ints('kernel_shape') ?? w.dims.slice(2);
  const [strides, dilations, extra] = [list('strides', 1), list('dilations', 1), list('output_padding', 0)];
  const pads = attributes.ints('pads') ?? new Array<number>(2 * rank).fill(0);
  const auto = attributes.string('auto_pad', 'NOTSET');
  if (attributes.has('output_shape')) refuse('output_shape is not supported; export it with pads');
  const fits = [kernel, strides, dilations, extra].every((one) => one.length === rank) && pads.length === 2 * rank;
  const small =
    [...kernel, ...strides, ...dilations].every((v) => v >= 1 && v <= 65535) &&
    [...pads, ...extra].every((v) => v >= 0 && v <= 65535);
  if (!(rank === 1 || rank === 2) || !fits || !small || w.dims.length !== rank + 2 || kernel.some((k, i) => k !== w.dims[i + 2]))
    refuse(`weights of [${w.dims.join(', ')}] for ${showLayout(x.layout)}`);
  return { kernel, strides, dilations, extra, pads, auto };
}

/** Returns how the kernel slides along each spatial dimension. */
function alongOf({ kernel, strides, dilations, extra, pads, auto }: Attributes, { layout }: Activation): Along[] {
  const dims = fileShapeOf(layout);
  const along = kernel.map((k, i): Along => {
    const at = i + 2;
    const axis = axisOfDim(layout, at);
    if (axis === 'c') return refuse(`its spatial dimensions hold channels: ${showLayout(layout)}`);
    wholeAxis(layout, at, axis);
    const [stride, dilation] = [strides[i] as number, dilations[i] as number];
    const extent = (k - 1) * dilation + 1;
    const stated: [number, number, number] = [pads[i] as number, pads[i + kernel.length] as number, extra[i] as number];
    return { axis, kernel: k, stride, dilation, pad: padding(dims[at] as number, stride, extent, stated, auto) };
  });
  if (new Set(along.map(({ axis }) => axis)).size !== along.length) refuse(`two dimensions are one axis: ${showLayout(layout)}`);
  if (along.some(({ pad }) => pad[0] < 0 || pad[1] < 0)) refuse('its padding is longer than its kernel');
  return along;
}

const find = (along: readonly Along[], axis: 't' | 'f'): Along => along.find((one) => one.axis === axis) ?? still(axis);

/**
 * Returns the index in the file of each weight [o][kt][kf][i / groups] of the graph, whose taps are reversed.
 *
 * @param w [i, o / groups, k1(, k2)]
 */
function indexOf({ dims }: Const, groups: number, along: readonly Along[]): Uint32Array {
  const [inputs = 0, perGroup = 0] = dims;
  const [t, f] = [find(along, 't'), find(along, 'f')];
  const outChannels = perGroup * groups;
  const inner = inputs / groups;
  const perKernel = along.reduce((product, { kernel }) => product * kernel, 1);
  const tap = (kt: number, kf: number) =>
    along.reduce((at, { axis, kernel: k }) => at * k + (k - 1 - (axis === 't' ? kt : kf)), 0);
  const index = new Uint32Array(outChannels * t.kernel * f.kernel * inner);
  let at = 0;
  for (let o = 0; o < outChannels; o++)
    for (let kt = 0; kt < t.kernel; kt++)
      for (let kf = 0; kf < f.kernel; kf++)
        for (let i = 0; i < inner; i++) {
          const input = Math.floor(o / perGroup) * inner + i;
          index[at++] = (input * perGroup + (o % perGroup)) * perKernel + tap(kt, kf);
        }
  return index;
}

export function lowerConvTranspose(ctx: Lowering, node: NodeView): Value[] {
  if (ctx.quantised) refuse('a transposed convolution, in a quantised graph');
  const x = ctx.activation(node, 0);
  const w = ctx.constant(node, 1, 'weights');
  const attributes = attributesOf(node, x, w);
  const groups = node.attributes.int('group', 1);
  const [inputs = 0, perGroup = 0] = w.dims;
  const shape = ctx.builder.shape(x.tensor);
  if (axisOfDim(x.layout, 1) !== 'c' || inputs !== shape.c || groups < 1 || inputs % groups !== 0)
    refuse(`weights of [${w.dims.join(', ')}] in ${groups} group(s) for ${showLayout(x.layout)}`);
  const along = alongOf(attributes, x);
  const [t, f] = [find(along, 't'), find(along, 'f')];
  const outChannels = perGroup * groups;
  const weights = ctx.weights(w, indexOf(w, groups, along), 1);
  const bias = ctx.bias(ctx.optional(node, 2, 'bias'), outChannels, x.tensor, weights);
  const spaced = t.stride === 1 && f.stride === 1 ? x.tensor : ctx.emit('upsample', [x.tensor], { t: t.stride, f: f.stride, between: 'zero' }, `${node.name}/apart`); // biome-ignore format: one line
  const geometry = {
    kernelT: t.kernel,
    kernelF: f.kernel,
    strideT: 1,
    strideF: 1,
    dilationT: t.dilation,
    dilationF: f.dilation,
    padT: t.pad,
    padF: f.pad,
  };
  const tensor = ctx.emit('conv', [spaced], { ...geometry, groups, outChannels, weights, bias, clamp: noClamp }, node.name);
  const out = ctx.builder.shape(tensor);
  const layout = x.layout.map((factors, d) => (d === 1 ? dim('c', outChannels) : d > 1 ? dim(along[d - 2]?.axis ?? 't', out[along[d - 2]?.axis ?? 't']) : factors)); // biome-ignore format: one line
  return [ctx.activationOf(tensor, layout)];
}
