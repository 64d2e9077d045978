/**
 * conv: convolution over time and features, grouped.
 *
 * In: [t][f][c].  Out: [t'][f'][outChannels].  y[t,f,o] = clamp(bias[o] + sum w[o,kt,kf,i] * x[t*s - pad +
 * kt*d, ..., g(o) + i])
 * Source: ONNX Conv, TensorFlow Lite CONV_2D. Streaming: StreamiNNC section 1.3 (conv causal and 'same').
 */
import { eachConvolved } from '../products.ts';
import { clampTo, type OpDef } from './op.ts';
import { only, slidingShape, wrongWeights } from './sliding.ts';

export const conv: OpDef<'conv'> = {
  name: 'conv',
  shape(inputs, attrs, name) {
    const x = only(inputs, name);
    const perGroup = x.c / attrs.groups;
    const expected = attrs.outChannels * attrs.kernelT * attrs.kernelF * perGroup;
    if (!Number.isInteger(perGroup) || attrs.outChannels % attrs.groups !== 0 || attrs.weights.data.length !== expected) {
      throw wrongWeights(
        name,
        attrs.weights.data.length,
        `${attrs.outChannels} x ${attrs.kernelT} x ${attrs.kernelF} x ${x.c}/${attrs.groups} channels`,
      );
    }
    return slidingShape(x, attrs, attrs.outChannels);
  },
  float(xs, attrs, out) {
    const x = only(xs, 'conv');
    const { groups, weights, bias, clamp } = attrs;
    const y = new Float32Array(out.t * out.f * out.c);
    const layer = { geometry: attrs, groups, weights: weights.data, bias: bias ?? new Float32Array(out.c) };
    eachConvolved(x, layer, out, (sums, at) => {
      for (let o = 0; o < out.c; o++) y[at + o] = clampTo(sums[o] as number, clamp);
    });
    return y;
  },
  stream: (a) => ({ kind: 'window', kernel: a.kernelT, stride: a.strideT, dilation: a.dilationT, pad: a.padT, padWith: 'zero' }),
  macsPerFrame: (a, [x], out) => (out.f * out.c * a.kernelT * a.kernelF * (x?.c ?? 0)) / a.groups,
  weightChannels(a, channels) {
    const inputs = a.weights.data.length / a.outChannels;
    const inner = channels / a.groups;
    const output = (i: number) => Math.floor(i / inputs);
    const input = (i: number) => Math.floor((output(i) * a.groups) / a.outChannels) * inner + (i % inner);
    return { outputs: a.outChannels, inputs, sets: a.groups, input, output };
  },
};
