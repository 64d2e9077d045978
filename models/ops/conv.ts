/**
 * conv: convolution over time and features, grouped.
 *
 * In: [t][f][c].  Out: [t'][f'][outChannels].  y[t,f,o] = clamp(bias[o] + sum w[o,kt,kf,i] * x[t*s - pad + kt*d, ..., g(o) + i])
 * Source: ONNX Conv, TensorFlow Lite CONV_2D. Streaming: StreamiNNC section 1.3 (conv causal and 'same').
 */
import { RunletError } from '../error.ts';
import { clampTo, type OpDef } from './op.ts';
import { forEachTap, only, slidingShape } from './sliding.ts';

export const conv: OpDef<'conv'> = {
  name: 'conv',
  shape(inputs, attrs, name) {
    const x = only(inputs, name);
    const perGroup = x.c / attrs.groups;
    const expected = attrs.outChannels * attrs.kernelT * attrs.kernelF * perGroup;
    if (!Number.isInteger(perGroup) || attrs.outChannels % attrs.groups !== 0 || attrs.weights.data.length !== expected) {
      throw new RunletError('RN301', {
        what: `weights of ${attrs.weights.data.length} elements do not fit`,
        where: name,
        why: `${attrs.outChannels} x ${attrs.kernelT} x ${attrs.kernelF} x ${x.c}/${attrs.groups} channels are expected`,
      });
    }
    return slidingShape(x, attrs, attrs.outChannels);
  },
  float(xs, attrs, out) {
    const x = only(xs, 'conv');
    const y = new Float32Array(out.t * out.f * out.c);
    const { data: w } = attrs.weights;
    const inPerGroup = x.shape.c / attrs.groups;
    const outPerGroup = out.c / attrs.groups;
    const acc = new Float64Array(out.c);
    let at = 0;
    for (let t = 0; t < out.t; t++) {
      for (let f = 0; f < out.f; f++) {
        for (let o = 0; o < out.c; o++) acc[o] = attrs.bias?.[o] ?? 0;
        forEachTap(x.shape, attrs, t, f, (offset, kt, kf) => {
          for (let o = 0; o < out.c; o++) {
            const from = offset + Math.floor(o / outPerGroup) * inPerGroup;
            const row = ((o * attrs.kernelT + kt) * attrs.kernelF + kf) * inPerGroup;
            let sum = 0;
            for (let i = 0; i < inPerGroup; i++) sum += (w[row + i] as number) * (x.data[from + i] as number);
            acc[o] = (acc[o] as number) + sum;
          }
        });
        for (let o = 0; o < out.c; o++) y[at++] = clampTo(acc[o] as number, attrs.clamp);
      }
    }
    return y;
  },
  stream: (a) => ({ kind: 'window', kernel: a.kernelT, stride: a.strideT, dilation: a.dilationT, pad: a.padT, padWith: 'zero' }),
  macsPerFrame: (a, [x], out) => (out.f * out.c * a.kernelT * a.kernelF * (x?.c ?? 0)) / a.groups,
};
