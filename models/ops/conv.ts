/**
 * conv: convolution over time and features, grouped.
 *
 * In: [t][f][c].  Out: [t'][f'][outChannels].  y[t,f,o] = clamp(bias[o] + sum w[o,kt,kf,i] * x[t*s - pad + kt*d, ..., g(o) + i])
 * Source: ONNX Conv, TensorFlow Lite CONV_2D. Streaming: StreamiNNC section 1.3 (conv causal and 'same').
 */
import { clampTo, type OpDef } from './op.ts';
import { eachPlace, forEachTap, only, slidingShape, wrongWeights } from './sliding.ts';

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
    const y = new Float32Array(out.t * out.f * out.c);
    // doubles, because a product of floats would convert both at every use
    const w = new Float64Array(attrs.weights.data);
    const data = new Float64Array(x.data);
    const inner = x.shape.c / attrs.groups;
    const perGroup = out.c / attrs.groups;
    const row = attrs.kernelT * attrs.kernelF * inner;
    const bias = Float64Array.from({ length: out.c }, (_, o) => attrs.bias?.[o] ?? 0);
    const acc = new Float64Array(out.c);
    eachPlace(out, (t, f, at) => {
      acc.set(bias);
      forEachTap(x.shape, attrs, t, f, (offset, kt, kf) => {
        const tap = (kt * attrs.kernelF + kf) * inner;
        for (let g = 0; g < attrs.groups; g++)
          addTap(acc, w, data, g * perGroup, (g + 1) * perGroup, row, tap, offset + g * inner, inner);
      });
      for (let o = 0; o < out.c; o++) y[at + o] = clampTo(acc[o] as number, attrs.clamp);
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

/** Outputs [from, end) of one group take one tap; eight at a time, so that an input is loaded once for them. Each sum keeps its own order: the same bits. */
function addTap(
  acc: Float64Array,
  w: Float64Array, // [o][row]
  x: Float64Array,
  from: number,
  end: number,
  row: number,
  tap: number,
  offset: number,
  inner: number,
): void {
  let o = from;
  for (; o + 8 <= end; o += 8) {
    let at = o * row + tap;
    let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < inner; i++, at++) {
      const v = x[offset + i] as number;
      s0 += (w[at] as number) * v;
      s1 += (w[at + row] as number) * v;
      s2 += (w[at + 2 * row] as number) * v;
      s3 += (w[at + 3 * row] as number) * v;
      s4 += (w[at + 4 * row] as number) * v;
      s5 += (w[at + 5 * row] as number) * v;
      s6 += (w[at + 6 * row] as number) * v;
      s7 += (w[at + 7 * row] as number) * v;
    }
    acc[o] = (acc[o] as number) + s0;
    acc[o + 1] = (acc[o + 1] as number) + s1;
    acc[o + 2] = (acc[o + 2] as number) + s2;
    acc[o + 3] = (acc[o + 3] as number) + s3;
    acc[o + 4] = (acc[o + 4] as number) + s4;
    acc[o + 5] = (acc[o + 5] as number) + s5;
    acc[o + 6] = (acc[o + 6] as number) + s6;
    acc[o + 7] = (acc[o + 7] as number) + s7;
  }
  for (; o < end; o++) {
    let sum = 0;
    for (let i = 0; i < inner; i++) sum += (w[o * row + tap + i] as number) * (x[offset + i] as number);
    acc[o] = (acc[o] as number) + sum;
  }
}
