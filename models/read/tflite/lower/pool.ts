/**
 * Lowers MAX_POOL_2D, AVERAGE_POOL_2D, MEAN, SUM, REDUCE_MAX and REDUCE_MIN to maxpool, avgpool, globalmax
 * and globalavg.
 *
 * In: NHWC (pools), any layout with constant axes (reductions).
 * Out: a sliding pool, or a global one if the kernel covers all frames of the window without padding. Padding
 * counts neither for averages nor for maxima. A sum is a mean times the number of values. A minimum is the
 * negative of a maximum of negatives. models/read/reduced.ts builds reductions over channels.
 * Source: TensorFlow Lite reference kernels pooling.h (int8 keeps scale and zero point) and reduce.h / mean.h
 * (int8 requantises).
 */
import { elementsOf, kernelOfOne, noClamp, type PoolAttrs } from '../../../graph/types.ts';
import { fileShapeOf, type Layout, showLayout } from '../../layout.ts';
import { weightedSum } from '../../over-time.ts';
import { type Reduction, reductions } from '../../reduced.ts';
import { readIntegers } from '../constants.ts';
import { type Context, factorsOf, fusedClamp, malformed, Refusal, shapeOf } from '../context.ts';
import type { TfOperator } from '../model.ts';
import { sameQuant } from '../quantisation.ts';
import { isSame, padding, pick, slides, spatialLayout, spatialOf } from './spatial.ts';

export function lowerPool(context: Context, op: TfOperator): void {
  const value = context.value(op, 0);
  const options = context.needOptions(op);
  const spatial = spatialOf(op, value.layout, true);
  sameQuant(context.input(op, 0), context.output(op), op.name);
  const file = fileShapeOf(value.layout);
  const same = isSame(op, options.int8(0));
  const length = pick(spatial, file[1] as number, file[2] as number);
  const kernels: [number, number] = [options.int32(4), options.int32(3)];
  const { kernel, stride } = slides(op, spatial, kernels, [options.int32(2), options.int32(1)]);
  const pads = {
    t: padding(same, length.t, kernel.t, stride.t, 1),
    f: padding(same, length.f, kernel.f, stride.f, 1),
  };
  const clamp = fusedClamp(op, options, 5);
  const shape = shapeOf(value);
  if (spatial.merged && kernel.f !== 1) throw new Refusal('its kernel covers a dimension of length 1 beside merged features');
  const coversAll = (axis: 't' | 'f') =>
    !(axis === 't' && spatial.batch) && kernel[axis] === length[axis] && pads[axis][0] + pads[axis][1] === 0;
  const keepsF = spatial.merged || (kernel.f === 1 && stride.f === 1);
  const layoutOf = spatialLayout(spatial);
  // a pool over the rows of a step and its past moves by one step, so that its output stays a stream
  const fresh = context.freshRows(value.id);
  if (fresh === undefined && shape.t > 1 && coversAll('t') && (coversAll('f') || keepsF)) {
    const overF = !spatial.merged && coversAll('f');
    const average = { overF, clamp, rule: context.isInt8 ? ('avgpool' as const) : ('mean' as const) };
    if (op.op === 'AVERAGE_POOL_2D') context.emit(op, 'globalavg', [value.id], average, layoutOf);
    else context.emit(op, 'globalmax', [value.id], { overF, clamp }, layoutOf);
    return;
  }
  const attrs: PoolAttrs = {
    kernelT: kernel.t,
    kernelF: kernel.f,
    strideT: fresh !== undefined && coversAll('t') ? fresh : stride.t,
    strideF: spatial.merged ? 1 : stride.f,
    padT: pads.t,
    padF: pads.f,
    clamp,
  };
  if (op.op === 'AVERAGE_POOL_2D') context.emit(op, 'avgpool', [value.id], { ...attrs, countIncludePad: false }, layoutOf);
  else context.emit(op, 'maxpool', [value.id], attrs, layoutOf);
}

export function lowerReduce(context: Context, op: TfOperator): void {
  if (sumsWeighted(context, op)) return;
  const value = context.value(op, 0);
  const isMean = op.op === 'MEAN' || op.op === 'SUM';
  const times = op.op === 'SUM' || op.op === 'REDUCE_MIN';
  if (times && context.isInt8) throw new Refusal('it is read in float models only');
  const dims = reducedDims(context, op, value.layout);
  const keep = context.options(op)?.bool(0) ?? false;
  if (!isMean) sameQuant(context.input(op, 0), context.output(op), op.name);
  const axes = new Set(dims.flatMap((dim) => factorsOf(value.layout, dim).map((f) => f.axis)));
  const shape = shapeOf(value);
  if (axes.has('c') && isMean && context.isInt8)
    throw new Refusal(`it reduces channels: axes ${dims.join(', ')} of ${showLayout(value.layout)}`);
  const layoutOf = () =>
    value.layout.map((factors, dim) => (dims.includes(dim) ? [] : factors)).filter((_, dim) => keep || !dims.includes(dim));
  const steps = reductions(axes, shape, isMean);
  const last = steps.pop() as Reduction;
  if (isMean && context.isInt8 && last.kind === 'avgpool')
    throw new Refusal('it averages over features but not over time, with requantisation');
  let from = op.op === 'REDUCE_MIN' ? scaled(context, value.id, -1, `${op.name}/negative`) : value.id;
  const quant = context.builder.tensors[from]?.quant;
  for (const { kind, attrs } of steps) from = context.node(kind, [from], attrs, `${op.name}/${kind}`, quant);
  if (!times) {
    context.emit(op, last.kind, [from], last.attrs, layoutOf);
    return;
  }
  const reduced = context.node(last.kind, [from], last.attrs, `${op.name}/reduced`, undefined);
  const count = elementsOf(shape) / elementsOf(context.builder.shape(reduced));
  context.bind(op, { ...value, id: scaled(context, reduced, isMean ? count : -1, op.name), layout: layoutOf() });
}

/** Lowers a sum over time of rows times weights. Returns false for other operators. */
function sumsWeighted(context: Context, op: TfOperator): boolean {
  const given = context.values.get(op.inputs[0] ?? -1);
  if (op.op !== 'SUM' || !given?.weighted) return false;
  const dims = reducedDims(context, op, given.layout);
  const sum = weightedSum(context, given.weighted, dims, context.options(op)?.bool(0) ?? false, op.name);
  if (!sum) return false;
  context.bind(op, { type: given.type, id: sum.tensor, layout: sum.layout });
  return true;
}

/** Multiplies every value by `by`. */
function scaled(context: Context, id: number, by: number, name: string): number {
  const weights = { data: new Float32Array(context.builder.shape(id).c).fill(by) };
  return context.node('depthwise', [id], { ...kernelOfOne, multiplier: 1, weights, bias: null, clamp: noClamp }, name, undefined);
}

/** Returns the file dimensions that a reduction removes; negative ones count from the end. */
function reducedDims(context: Context, op: TfOperator, layout: Layout): number[] {
  return readIntegers(context, op, context.input(op, 1)).map((axis) => {
    const dim = axis < 0 ? axis + layout.length : axis;
    if (dim < 0 || dim >= layout.length) throw malformed(op, `axis ${axis} of ${layout.length} dimensions does not exist`);
    return dim;
  });
}
