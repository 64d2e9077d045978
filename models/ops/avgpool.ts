/**
 * avgpool: average over a sliding kernel.
 *
 * In: [t][f][c].  Out: [t'][f'][c].  Padded places count in the divisor only with countIncludePad.
 * Source: ONNX AveragePool, TensorFlow Lite AVERAGE_POOL_2D. Streaming: StreamiNNC section 1.6 (alignment).
 */
import { isNoClamp } from '../graph/clamp.ts';
import { clampTo, isHomogeneous, misfit, type OpDef } from './op.ts';
import { coversOnlyPadding, eachPlace, forEachTap, only, poolRule, slidingShape } from './sliding.ts';

export const avgpool: OpDef<'avgpool'> = {
  name: 'avgpool',
  shape(inputs, attrs, name) {
    const x = only(inputs, name);
    const out = slidingShape(x, attrs, x.c);
    if (!attrs.countIncludePad && coversOnlyPadding(x, attrs, out)) {
      throw misfit(name, 'an output of this average pool covers only padding', 'it has no value to average');
    }
    return out;
  },
  float(xs, attrs, out) {
    const x = only(xs, 'avgpool');
    const y = new Float32Array(out.t * out.f * out.c);
    const acc = new Float64Array(out.c);
    eachPlace(out, (t, f, at) => {
      acc.fill(0);
      let count = 0;
      forEachTap(x.shape, attrs, t, f, (offset) => {
        count++;
        for (let o = 0; o < out.c; o++) acc[o] = (acc[o] as number) + (x.data[offset + o] as number);
      });
      if (attrs.countIncludePad) count = attrs.kernelT * attrs.kernelF;
      for (let o = 0; o < out.c; o++) y[at + o] = clampTo((acc[o] as number) / count, attrs.clamp);
    });
    return y;
  },
  stream: (attrs) => poolRule(attrs, attrs.countIncludePad ? 'zero' : 'exclude', 'sum'),
  passesScale: ({ clamp }) => isHomogeneous(clamp),
  means: ({ clamp }, [x]) => (isNoClamp(clamp) ? x : undefined),
};
