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
    const w = attrs.weights.data;
    const inner = x.shape.c / attrs.groups;
    const perGroup = out.c / attrs.groups;
    const row = attrs.kernelT * attrs.kernelF * inner;
    const bias = Float64Array.from({ length: out.c }, (_, o) => attrs.bias?.[o] ?? 0);
    const acc = new Float64Array(out.c);
    let at = 0;
    for (let t = 0; t < out.t; t++) {
      for (let f = 0; f < out.f; f++) {
        acc.set(bias);
        forEachTap(x.shape, attrs, t, f, (offset, kt, kf) => {
          const tap = (kt * attrs.kernelF + kf) * inner;
          for (let g = 0; g < attrs.groups; g++)
            addTap(acc, w, x.data, g * perGroup, (g + 1) * perGroup, row, tap, offset + g * inner, inner);
        });
        for (let o = 0; o < out.c; o++) y[at++] = clampTo(acc[o] as number, attrs.clamp);
      }
    }
    return y;
  },
  stream: (a) => ({ kind: 'window', kernel: a.kernelT, stride: a.strideT, dilation: a.dilationT, pad: a.padT, padWith: 'zero' }),
  macsPerFrame: (a, [x], out) => (out.f * out.c * a.kernelT * a.kernelF * (x?.c ?? 0)) / a.groups,
};

/** Outputs [o, end) of one group take one tap; four at a time, so that an input is loaded once for them. Each sum has its own order: the same bits. */
function addTap(
  acc: Float64Array,
  w: ArrayLike<number>, // [o][row]
  x: Float32Array,
  from: number,
  end: number,
  row: number,
  tap: number,
  offset: number,
  inner: number,
): void {
  let o = from;
  for (; o + 4 <= end; o += 4) {
    const [a, b, c, d] = [o * row + tap, (o + 1) * row + tap, (o + 2) * row + tap, (o + 3) * row + tap];
    let [sa, sb, sc, sd] = [0, 0, 0, 0];
    for (let i = 0; i < inner; i++) {
      const v = x[offset + i] as number;
      sa += (w[a + i] as number) * v;
      sb += (w[b + i] as number) * v;
      sc += (w[c + i] as number) * v;
      sd += (w[d + i] as number) * v;
    }
    acc[o] = (acc[o] as number) + sa;
    acc[o + 1] = (acc[o + 1] as number) + sb;
    acc[o + 2] = (acc[o + 2] as number) + sc;
    acc[o + 3] = (acc[o + 3] as number) + sd;
  }
  for (; o < end; o++) {
    let sum = 0;
    for (let i = 0; i < inner; i++) sum += (w[o * row + tap + i] as number) * (x[offset + i] as number);
    acc[o] = (acc[o] as number) + sum;
  }
}
