/**
 * softmax: over the channels of each frame row.
 *
 * In: [t][f][c].  Out: the same shape.  y[c] = exp(beta * (x[c] - max x)) / sum.  Source: ONNX Softmax,
 * TensorFlow Lite SOFTMAX. Streaming: point-wise in time. (A softmax over time becomes one over channels
 * behind a product that transposes its rows, rule R13.)
 */
import type { OpDef } from './op.ts';
import { only } from './sliding.ts';

export const softmaxOutput = { scale: 1 / 256, zeroPoint: -128 };

export const softmax: OpDef<'softmax'> = {
  name: 'softmax',
  shape: (inputs, _attrs, name) => ({ ...only(inputs, name) }),
  float(xs, attrs, out) {
    const { data } = only(xs, 'softmax');
    const y = new Float32Array(data.length);
    for (let row = 0; row < data.length; row += out.c) {
      const part = data.subarray(row, row + out.c);
      const max = part.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const e = Array.from(part, (x) => Math.exp(attrs.beta * (x - max)));
      const sum = e.reduce((a, b) => a + b, 0);
      e.forEach((value, i) => {
        y[row + i] = value / sum;
      });
    }
    return y;
  },
  fixed: () => softmaxOutput,
  scores: true,
};
