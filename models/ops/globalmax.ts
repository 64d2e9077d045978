/**
 * globalmax: maximum over all frames of the window; with overF also over the feature rows, with overC also
 * over the channels.
 *
 * In: [t][f][c].  Out: [1][f or 1][c or 1].
 * Source: ONNX Global*Pool and ReduceM*, TensorFlow Lite MAX_POOL_2D over the whole window.
 * Streaming: partial maxima per hop (StreamiNNC section 5.5).
 */
import { clampTo, isHomogeneous, type OpDef } from './op.ts';
import { globalShape, only, windowPool } from './sliding.ts';

export const globalmax: OpDef<'globalmax'> = {
  name: 'globalmax',
  shape: (inputs, attrs, name) => globalShape(only(inputs, name), attrs),
  float(xs, attrs, out) {
    const { data } = only(xs, 'globalmax');
    const per = out.f * out.c;
    const acc = new Float64Array(per).fill(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < data.length; i++) {
      const at = i % per;
      acc[at] = Math.max(acc[at] as number, data[i] as number);
    }
    return Float32Array.from(acc, (best) => clampTo(best, attrs.clamp));
  },
  stream: () => ({ kind: 'fold', fold: 'max' }),
  slid: ({ overF, overC, clamp }, x) => (overC ? undefined : { op: 'maxpool', attrs: windowPool(x, overF, clamp) }),
  passesScale: ({ clamp, overC }) => !overC && isHomogeneous(clamp),
};
