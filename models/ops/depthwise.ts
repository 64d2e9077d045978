/**
 * depthwise: one filter (or `multiplier` filters) per input channel.
 *
 * In: [t][f][c].  Out: [t'][f'][c * multiplier]; output channel o reads input channel floor(o / multiplier).
 * Source: TensorFlow Lite DEPTHWISE_CONV_2D, ONNX Conv with groups = channels. Also per-channel scale and
 * bias (kernel 1).
 */
import { clampTo, type OpDef } from './op.ts';
import { eachPlace, forEachTap, only, slidingShape, wrongWeights } from './sliding.ts';

export const depthwise: OpDef<'depthwise'> = {
  name: 'depthwise',
  shape(inputs, attrs, name) {
    const x = only(inputs, name);
    const expected = attrs.kernelT * attrs.kernelF * x.c * attrs.multiplier;
    if (attrs.weights.data.length !== expected) {
      throw wrongWeights(
        name,
        attrs.weights.data.length,
        `${attrs.kernelT} x ${attrs.kernelF} x ${x.c} x ${attrs.multiplier} = ${expected}`,
      );
    }
    return slidingShape(x, attrs, x.c * attrs.multiplier);
  },
  float(xs, attrs, out) {
    const x = only(xs, 'depthwise');
    const y = new Float32Array(out.t * out.f * out.c);
    const { weights, multiplier } = attrs;
    const w = weights.data;
    const acc = new Float64Array(out.c);
    eachPlace(out, (t, f, at) => {
      for (let o = 0; o < out.c; o++) acc[o] = attrs.bias?.[o] ?? 0;
      forEachTap(x.shape, attrs, t, f, (offset, kt, kf) => {
        const row = (kt * attrs.kernelF + kf) * out.c;
        for (let c = 0, o = 0; c < x.shape.c; c++) {
          const value = x.data[offset + c] as number;
          for (let k = 0; k < multiplier; k++, o++) acc[o] = (acc[o] as number) + (w[row + o] as number) * value;
        }
      });
      for (let o = 0; o < out.c; o++) y[at + o] = clampTo(acc[o] as number, attrs.clamp);
    });
    return y;
  },
  stream: (a) => ({ kind: 'window', kernel: a.kernelT, stride: a.strideT, dilation: a.dilationT, pad: a.padT, padWith: 'zero' }),
  macsPerFrame: (a, _inputs, out) => out.f * out.c * a.kernelT * a.kernelF,
  weightChannels({ kernelT, kernelF, multiplier }, channels) {
    const outputs = channels * multiplier;
    const input = (i: number) => Math.floor((i % outputs) / multiplier);
    return { outputs, inputs: kernelT * kernelF, sets: channels, input, output: (i) => i % outputs };
  },
};
