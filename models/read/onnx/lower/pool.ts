/**
 * Lowers MaxPool, AveragePool, GlobalAveragePool, GlobalMaxPool, ReduceMean, ReduceMax, ReduceSum.
 *
 * In: [n, c, s1(, s2)] activations (any order for the reductions).  Out: maxpool, avgpool, globalavg,
 * globalmax. A reduction over features only is a pooling over all rows; a sum is a mean times the number of
 * values. Source: ONNX MaxPool-12, AveragePool-19, ReduceMean-18, ReduceSum-13.
 */
import { type Axis, elementsOf, noClamp } from '../../../graph/types.ts';
import { type Layout, showLayout } from '../../layout.ts';
import { weightedSum } from '../../over-time.ts';
import { meanOfChannels, overChannels, overFeatures } from '../../reduced.ts';
import type { Lowering, NodeView } from '../context.ts';
import { axesOf, axisIn } from '../dims.ts';
import { refuse } from '../refuse.ts';
import { type Activation, axisOfDim, type Value, wholeAxis } from '../values.ts';
import { outputLayout, slidingOf } from './geometry.ts';
import { withFeatures, withQuant } from './regroup.ts';

export function lowerPool(ctx: Lowering, node: NodeView): Value[] {
  const max = node.op === 'MaxPool';
  const given = ctx.activation(node, 0, { pads: true, integer: max, raw: max });
  // frames in the channel dimension are pooled one by one, like a batch
  const ofFrames = given.layout[0]?.length === 0 && (given.layout[1] ?? []).some(({ axis }) => axis === 't');
  const swap = (layout: Layout): Layout => (ofFrames ? [layout[1] ?? [], layout[0] ?? [], ...layout.slice(2)] : layout);
  const x = withFeatures(ctx, node, { ...given, layout: swap(given.layout) });
  const kernel = node.attributes.ints('kernel_shape') ?? refuse('no kernel_shape');
  const countIncludePad = node.attributes.int('count_include_pad', 0) === 1;
  node.attributes.ignore('storage_order');
  if (node.outputs.filter((name) => name !== '').length > 1) refuse('its indices are used');
  // zeros of a Pad are values: they may win a maximum, and they count in an average
  if (x.pads && (max || !countIncludePad)) {
    refuse(
      `the zeros of the Pad before it ${max ? 'take part in the maximum' : 'count in the divisor'}, but its own padding does not`,
    );
  }
  const sliding = slidingOf(x, node.attributes, kernel, max || !countIncludePad ? 'pad' : 'refuse');
  const { dilationT, dilationF, ...geometry } = sliding.geometry;
  if (dilationT !== 1 || dilationF !== 1) refuse('dilation in a pooling');
  if (sliding.channel.length > 1 || sliding.channel.some((f) => f.axis !== 'c'))
    refuse(`its channels are ${showLayout([sliding.channel])}`);
  if (geometry.padT.some((p) => p >= geometry.kernelT) || geometry.padF.some((p) => p >= geometry.kernelF)) {
    if (!countIncludePad) refuse('its padding is as large as its kernel: a window would hold no value');
  }
  const padded = geometry.padT.some((p) => p > 0) || geometry.padF.some((p) => p > 0);
  const tensor = max
    ? ctx.emit('maxpool', [x.tensor], { ...geometry, clamp: noClamp }, node.name)
    : ctx.emit('avgpool', [x.tensor], { ...geometry, countIncludePad: countIncludePad && padded, clamp: noClamp }, node.name);
  const out = ctx.builder.shape(tensor);
  return [withQuant(ctx, x, ctx.activationOf(tensor, swap(outputLayout(sliding, out.t, out.f, out.c))))];
}

export function lowerGlobalPool(ctx: Lowering, node: NodeView): Value[] {
  const max = node.op === 'GlobalMaxPool';
  const x = ctx.activation(node, 0, { integer: max, raw: max });
  const axes = x.layout.map((_, i) => i).slice(2);
  return [reduce(ctx, node, x, axes, true, node.op === 'GlobalMaxPool')];
}

export function lowerReduce(ctx: Lowering, node: NodeView): Value[] {
  const max = node.op === 'ReduceMax';
  const sum = node.op === 'ReduceSum';
  const [first] = node.inputs;
  const keep = node.attributes.int('keepdims', 1) === 1;
  const noop = node.attributes.int('noop_with_empty_axes', 0) === 1;
  const listed = axesOf(node.attributes, ctx.optional(node, 1, 'axes')) ?? [];
  const axesIn = ({ length }: Layout) =>
    listed.length === 0 ? Array.from({ length }, (_, i) => i) : listed.map((a) => axisIn(a, length));
  const weighted = !max && first?.kind === 'weighted' ? first : undefined;
  if (listed.length === 0 && noop) return [weighted ?? ctx.activation(node, 0, { integer: max, raw: max })];
  const total = weighted && weightedSum(ctx, weighted, axesIn(weighted.rows.layout), keep, node.name);
  const x = weighted && total ? ctx.made(weighted.rows) : ctx.activation(node, 0, { integer: max, raw: max });
  const y = total ? ctx.made(total) : reduce(ctx, node, x, axesIn(x.layout), keep, max);
  if (max || sum === (total !== undefined)) return [y];
  const count = elementsOf(ctx.builder.shape(x.tensor)) / elementsOf(ctx.builder.shape(y.tensor));
  const factor = new Float64Array(ctx.channelsOf(y)).fill(sum ? count : 1 / count);
  return [ctx.scaleAndOffset(y, factor, null, `${node.name}/count`)];
}

/** Lowers a mean or a maximum over dimensions of the file. */
function reduce(ctx: Lowering, node: NodeView, x: Activation, dims: number[], keep: boolean, max: boolean): Activation {
  const gone = new Set(dims);
  const layout: Layout = keep ? x.layout.map((d, i) => (gone.has(i) ? [] : d)) : x.layout.filter((_, i) => !gone.has(i));
  const axes = new Set<Axis>();
  for (const i of gone) {
    if ((x.layout[i] ?? []).length === 0) continue;
    const axis = axisOfDim(x.layout, i);
    wholeAxis(x.layout, i, axis);
    axes.add(axis);
  }
  const shape = ctx.builder.shape(x.tensor);
  const overF = axes.has('f') || shape.f === 1;
  const overT = axes.has('t') || (axes.size > 0 && shape.t === 1);
  const overC = axes.has('c') && overF && overT;
  const separateChannels = axes.has('c') && !overC;
  let tensor = x.tensor;
  if (separateChannels) {
    tensor = ofChannels(ctx, node, x, axes.has('f'), max);
    axes.delete('f');
  }
  if (axes.has('t') || (overT && !separateChannels)) {
    const attrs = { overF: axes.has('f') || overC, ...(overC && { overC }), clamp: noClamp };
    tensor = max
      ? ctx.emit('globalmax', [tensor], attrs, node.name)
      : ctx.emit('globalavg', [tensor], { ...attrs, rule: 'mean' }, node.name);
  } else if (axes.has('f')) tensor = ctx.emit(max ? 'maxpool' : 'avgpool', [tensor], overFeatures(shape), node.name);
  if (tensor === x.tensor) return { ...x, layout };
  return withQuant(ctx, x, ctx.activationOf(tensor, layout));
}

/** Emits the mean or maximum of the channels of each frame, and with `overF` of its features too. */
function ofChannels(ctx: Lowering, node: NodeView, x: Activation, overF: boolean, max: boolean): number {
  const shape = ctx.builder.shape(x.tensor);
  const name = `${node.name}/channels`;
  if (!max && !ctx.quantised) return ctx.emit('conv', [x.tensor], meanOfChannels(shape, overF), name);
  const { rows, pool } = overChannels(shape, overF);
  const regrouped = ctx.emit('regroup', [x.tensor], rows, `${name}/rows`);
  if (x.integer) withQuant(ctx, x, ctx.activationOf(regrouped, x.layout));
  return ctx.emit(max ? 'maxpool' : 'avgpool', [regrouped], pool, name);
}
