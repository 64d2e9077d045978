/**
 * maxpool: maximum over a sliding kernel.
 *
 * In: [t][f][c].  Out: [t'][f'][c].  Padding is ignored (it has the type's minimum).
 * Source: ONNX MaxPool, TensorFlow Lite MAX_POOL_2D. Streaming: StreamiNNC section 1.6 (alignment).
 */
import { clampTo, isHomogeneous, type OpDef } from './op.ts';
import { eachPlace, forEachTap, only, poolRule, slidingShape } from './sliding.ts';

export const maxpool: OpDef<'maxpool'> = {
  name: 'maxpool',
  shape: (inputs, attrs, name) => slidingShape(only(inputs, name), attrs, only(inputs, name).c),
  float(xs, attrs, out) {
    const x = only(xs, 'maxpool');
    const y = new Float32Array(out.t * out.f * out.c);
    const acc = new Float64Array(out.c);
    eachPlace(out, (t, f, at) => {
      acc.fill(Number.NEGATIVE_INFINITY);
      forEachTap(x.shape, attrs, t, f, (offset) => {
        for (let o = 0; o < out.c; o++) acc[o] = Math.max(acc[o] as number, x.data[offset + o] as number);
      });
      for (let o = 0; o < out.c; o++) y[at + o] = clampTo(acc[o] as number, attrs.clamp);
    });
    return y;
  },
  stream: (attrs) => poolRule(attrs, 'minimum', 'max'),
  passesScale: ({ clamp }) => isHomogeneous(clamp),
};
