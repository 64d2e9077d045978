/**
 * Lowers TRANSPOSE_CONV: inserts zeros between the rows by the stride, then convolves with the reversed
 * kernel (docs/adr/0032).
 *
 * In: the output's shape, filter [o][kh][kw][i], input NHWC, bias [o].
 * Out: upsample and conv.
 * Source: TensorFlow Lite reference kernels transpose_conv.h (output y = stride * input y + tap - padding
 * before; sums, bias and scale as CONV_2D) and ComputePaddingHeightWidth.
 */
import { transposedPadding } from '../../layout.ts';
import { readBias, readWeights } from '../constants.ts';
import { type Context, fusedClamp, malformed, Refusal, shapeOf } from '../context.ts';
import { integersAt } from '../integers.ts';
import type { TfOperator } from '../model.ts';
import { swapKernel } from './conv.ts';
import { isSame, pick, positive, spatialLayout, spatialOf } from './spatial.ts';

export function lowerTransposed(context: Context, op: TfOperator): void {
  const value = context.value(op, 2);
  const spatial = spatialOf(op, value.layout);
  if (spatial.merged) throw new Refusal('its channels hold feature rows');
  const shape = shapeOf(value);
  const filter = context.input(op, 1);
  const [outChannels = 0, kernelH = 0, kernelW = 0, inputs = 0] = filter.shape;
  const wanted = integersAt(context, op, 0) ?? context.output(op).shape;
  if (filter.shape.length !== 4 || inputs !== shape.c || wanted.length !== 4 || wanted[3] !== outChannels)
    throw malformed(op, `filter [${filter.shape.join(', ')}] and output [${wanted.join(', ')}] do not fit ${shape.c} channels`);
  const options = context.needOptions(op);
  const same = isSame(op, options.int8(0));
  const kernel = pick(spatial, positive(op, 'kernel height', kernelH), positive(op, 'kernel width', kernelW));
  const stride = pick(spatial, positive(op, 'stride', options.int32(2)), positive(op, 'stride', options.int32(1)));
  const out = pick(spatial, positive(op, 'height', wanted[1] as number), positive(op, 'width', wanted[2] as number));
  const padding = (axis: 't' | 'f') => transposedPadding(shape[axis], out[axis], kernel[axis], stride[axis], same);
  const [padT, padF] = [padding('t'), padding('f')];
  if ([...padT, ...padF].some((n) => n < 0)) throw new Refusal('its padding is longer than its kernel');
  const weights = readWeights(context, op, filter, 0);
  const reversed = { ...weights, data: reversedTaps(weights.data, outChannels, inputs) };
  const attrs = {
    kernelT: kernel.t,
    kernelF: kernel.f,
    strideT: 1,
    strideF: 1,
    dilationT: 1,
    dilationF: 1,
    padT,
    padF,
    groups: 1,
    outChannels,
    weights: spatial.tDim === 1 ? reversed : swapKernel(reversed, outChannels, kernelH, kernelW, inputs),
    bias: readBias(context, op, outChannels, weights, { at: 3, input: 2 }),
    clamp: fusedClamp(op, options, 3),
  };
  const { quant } = context.builder.tensors[value.id] ?? {};
  const isUnstrided = stride.t === 1 && stride.f === 1;
  const apart = { t: stride.t, f: stride.f, between: 'zero' as const };
  const rows = isUnstrided ? value.id : context.node('upsample', [value.id], apart, `${op.name}/apart`, quant);
  context.emit(op, 'conv', [rows], attrs, spatialLayout(spatial));
}

/** Reverses the order of the taps in [o][taps][i]. */
function reversedTaps<A extends Float32Array | Int8Array>(data: A, outputs: number, inputs: number): A {
  const perOutput = data.length / outputs;
  return data.map((_, at) => {
    const [o, i] = [Math.floor(at / perOutput), at % inputs];
    const tap = Math.floor((at % perOutput) / inputs);
    return data[o * perOutput + (perOutput / inputs - 1 - tap) * inputs + i] as number;
  }) as A;
}
