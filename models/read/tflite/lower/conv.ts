/**
 * Lowers CONV_2D and DEPTHWISE_CONV_2D to conv and depthwise.
 *
 * In: input NHWC, filter [o][kh][kw][i] (depthwise [1][kh][kw][o]), bias [o].
 * Out: one node with explicit padding. If width is time, the filter's kernel axes are swapped. If the channel
 * dimension holds the features, the kernel covers all of them (kernelF = f).
 * Source: TensorFlow Lite reference kernels conv.h, depthwise_conv.h.
 */
import type { ConvAttrs, Shape, Weights } from '../../../graph/types.ts';
import { slidingLength } from '../../../ops/op.ts';
import { readBias, readWeights } from '../constants.ts';
import { type Context, fusedClamp, malformed, Refusal, shapeOf, type Value } from '../context.ts';
import type { TfOperator } from '../model.ts';
import { deferConv } from './batch.ts';
import { addPad, isSame, padding, pick, positive, type Spatial, slides, spatialLayout, spatialOf } from './spatial.ts';

/** Numbers of options fields. CONV_2D has no depth multiplier, so its later fields are one lower. */
const fields = {
  conv: { fused: 3, dilationW: 4, dilationH: 5 },
  depthwise: { fused: 4, dilationW: 5, dilationH: 6 },
} as const;

type Geometry = Omit<ConvAttrs, 'groups' | 'outChannels' | 'weights' | 'bias'>;

export function lowerConv(context: Context, op: TfOperator): void {
  const filter = context.input(op, 1);
  const [outChannels = 0, kernelH = 0, kernelW = 0, perGroup = 0] = filter.shape;
  const value = inputOf(context, op, kernelH, kernelW, 'conv');
  const spatial = spatialOf(op, value.layout, true);
  const inputShape = shapeOf(value);
  const seen = spatial.merged ? inputShape.f * inputShape.c : inputShape.c;
  if (filter.shape.length !== 4 || perGroup === 0 || seen % perGroup !== 0 || outChannels % (seen / perGroup) !== 0) {
    throw malformed(op, `filter [${filter.shape.join(', ')}] does not fit ${seen} input channels`);
  }
  const groups = seen / perGroup;
  if (spatial.merged && groups > 1) throw new Refusal('it groups channels that hold feature rows');
  const geometry = geometryOf(context, op, value, spatial, kernelH, kernelW, 'conv');
  const weights = readWeights(context, op, filter, 0);
  const ordered = spatial.tDim === 1 ? weights : swapKernel(weights, outChannels, kernelH, kernelW, perGroup);
  const bias = readBias(context, op, outChannels, ordered);
  const merged = spatial.merged ? { kernelF: inputShape.f, strideF: 1, dilationF: 1, padF: [0, 0] as const } : {};
  if (spatial.merged && (geometry.kernelF !== 1 || geometry.padF[0] + geometry.padF[1] > 0)) {
    throw new Refusal('its kernel covers a dimension of length 1 beside merged features');
  }
  const attrs = { ...geometry, ...merged, groups, outChannels, weights: ordered, bias };
  const layoutOf = spatialLayout({ ...spatial, merged: false });
  if (value.batched) {
    const each = layoutOf(batchShape(inputShape, attrs, outChannels));
    deferConv(context, op, value.batched, attrs, each, (dilated, to, layout) =>
      context.emit(to, 'conv', [value.id], dilated, () => layout),
    );
  } else context.emit(op, 'conv', [value.id], attrs, layoutOf);
}

export function lowerDepthwise(context: Context, op: TfOperator): void {
  const filter = context.input(op, 1);
  const [one = 0, kernelH = 0, kernelW = 0, outChannels = 0] = filter.shape;
  const value = inputOf(context, op, kernelH, kernelW, 'depthwise');
  const spatial = spatialOf(op, value.layout, true);
  if (spatial.merged) throw new Refusal('its channels hold feature rows, which it would have to filter separately');
  const { c } = shapeOf(value);
  const multiplier = outChannels / c;
  if (filter.shape.length !== 4 || one !== 1 || !Number.isInteger(multiplier) || multiplier < 1) {
    throw malformed(op, `filter [${filter.shape.join(', ')}] does not fit ${c} input channels`);
  }
  const stated = context.needOptions(op).int32(3);
  if (stated !== 0 && stated !== multiplier)
    throw malformed(op, `depth multiplier ${stated} is stated, the filter has ${multiplier}`);
  const geometry = geometryOf(context, op, value, spatial, kernelH, kernelW, 'depthwise');
  const weights = readWeights(context, op, filter, 3);
  const ordered = spatial.tDim === 1 ? weights : swapKernel(weights, 1, kernelH, kernelW, outChannels);
  const bias = readBias(context, op, outChannels, ordered);
  const attrs = { ...geometry, multiplier, weights: ordered, bias };
  const layoutOf = spatialLayout(spatial);
  if (value.batched) {
    const each = layoutOf(batchShape(shapeOf(value), attrs, outChannels));
    deferConv(context, op, value.batched, attrs, each, (dilated, to, layout) =>
      context.emit(to, 'depthwise', [value.id], dilated, () => layout),
    );
  } else context.emit(op, 'depthwise', [value.id], attrs, layoutOf);
}

/**
 * Returns the input. If the convolution makes one row for each stride of new rows, it reads earlier rows as a
 * view, as its own past. Otherwise they become rows of a tensor, and it runs on the rows of one step.
 */
function inputOf(context: Context, op: TfOperator, kernelH: number, kernelW: number, kind: 'conv' | 'depthwise'): Value {
  const { history } = context.rawValue(op, 0);
  const value = context.value(op, 0, history ? 'history' : true);
  if (!history) return value;
  const { kernel, stride, dilation, same } = stepsOf(context, op, spatialOf(op, value.layout, true), kernelH, kernelW, kind);
  const fresh = context.builder.shape(value.id).t;
  const { before, after } = history;
  const rows = slidingLength(before + fresh, kernel.t, stride.t, dilation.t, [0, 0]);
  const follows = !same && after === 0 && before >= 0 && rows * stride.t === fresh;
  return follows ? value : context.laid(value);
}

/** Returns kernel, stride and dilation along time and features, and whether the padding is SAME. */
function stepsOf(
  context: Context,
  op: TfOperator,
  spatial: Spatial,
  kernelH: number,
  kernelW: number,
  kind: 'conv' | 'depthwise',
) {
  const options = context.needOptions(op);
  const { dilationH, dilationW } = fields[kind];
  const same = isSame(op, options.int8(0));
  const moves = slides(op, spatial, [kernelH, kernelW], [options.int32(2), options.int32(1)]);
  const dilations = [options.int32(dilationH, 1), options.int32(dilationW, 1)].map((n) => positive(op, 'dilation', n));
  const dilation = pick(spatial, dilations[0] as number, dilations[1] as number);
  return { ...moves, dilation, same };
}

/**
 * Returns the output shape of one batch entry. `x` includes the padding of SPACE_TO_BATCH_ND; within an entry
 * the kernel is not dilated.
 */
const batchShape = (x: Shape, g: Geometry, c: number): Shape => ({ t: x.t - g.kernelT + 1, f: x.f - g.kernelF + 1, c });

function geometryOf(
  context: Context,
  op: TfOperator,
  value: Value,
  spatial: Spatial,
  kernelH: number,
  kernelW: number,
  kind: 'conv' | 'depthwise',
): Geometry {
  const { kernel, stride, dilation, same } = stepsOf(context, op, spatial, kernelH, kernelW, kind);
  if (value.batched && same) throw new Refusal('it pads each batch of SPACE_TO_BATCH_ND');
  const size = [0, 1, 2].map((dim) => (value.layout[dim] ?? []).reduce((product, f) => product * f.length, 1));
  const lengths = pick(spatial, size[1] as number, size[2] as number);
  return {
    kernelT: kernel.t,
    kernelF: kernel.f,
    strideT: stride.t,
    strideF: stride.f,
    dilationT: dilation.t,
    dilationF: dilation.f,
    padT: addPad(value, 't', padding(same, lengths.t, kernel.t, stride.t, dilation.t)),
    padF: addPad(value, 'f', padding(same, lengths.f, kernel.f, stride.f, dilation.f)),
    clamp: fusedClamp(op, context.needOptions(op), fields[kind].fused),
  };
}

/** Reorders a filter from [n][kh][kw][i] to [n][kw][kh][i]. */
export function swapKernel(weights: Weights, n: number, kernelH: number, kernelW: number, inner: number): Weights {
  if (kernelH === 1 || kernelW === 1) return weights;
  const from = weights.data;
  const data = from.slice();
  let at = 0;
  for (let o = 0; o < n; o++) {
    for (let w = 0; w < kernelW; w++) {
      for (let h = 0; h < kernelH; h++) {
        const row = ((o * kernelH + h) * kernelW + w) * inner;
        for (let i = 0; i < inner; i++) data[at++] = from[row + i] as number;
      }
    }
  }
  return { ...weights, data };
}
