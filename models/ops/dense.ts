/**
 * dense: fully connected over the whole window.
 *
 * In: [t][f][c].  Out: [1][1][units].  y[u] = clamp(bias[u] + sum w[u, t, f, c] * x[t, f, c])
 * Source: ONNX Gemm / MatMul, TensorFlow Lite FULLY_CONNECTED. Streaming: the head g of StreamiNNC, which is
 * computed at every hop.
 */
import { elementsOf, kernelOfOne } from '../graph/types.ts';
import { products } from '../products.ts';
import { clampTo, type OpDef } from './op.ts';
import { only, wrongWeights } from './sliding.ts';

export const dense: OpDef<'dense'> = {
  name: 'dense',
  shape(inputs, attrs, name) {
    const n = elementsOf(only(inputs, name));
    if (attrs.weights.data.length !== n * attrs.units) {
      throw wrongWeights(name, attrs.weights.data.length, `${attrs.units} units x ${n} inputs`);
    }
    return { t: 1, f: 1, c: attrs.units };
  },
  float(xs, attrs, out) {
    const { weights, bias, clamp } = attrs;
    const sums = products(weights.data, bias ?? new Float32Array(out.c), only(xs, 'dense').data);
    return Float32Array.from(sums, (sum) => clampTo(sum, clamp));
  },
  stream: () => ({ kind: 'whole', linear: true }),
  slid: ({ units, ...attrs }, { t, f }) => ({
    op: 'conv',
    attrs: { ...kernelOfOne, kernelT: t, kernelF: f, groups: 1, outChannels: units, ...attrs },
  }),
  macsPerFrame: (a) => a.weights.data.length,
  weightChannels({ units, weights }, channels) {
    const inputs = weights.data.length / units;
    return { outputs: units, inputs, sets: 1, input: (i) => i % channels, output: (i) => Math.floor(i / inputs) };
  },
};
