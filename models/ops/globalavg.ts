/**
 * globalavg: average over all frames of the window; with overF also over the feature rows, with overC also
 * over the channels.
 *
 * In: [t][f][c].  Out: [1][f or 1][c or 1].
 * Source: ONNX Global*Pool and ReduceM*, TensorFlow Lite MEAN and AVERAGE_POOL_2D over the whole window.
 * Streaming: partial sums per hop (StreamiNNC section 5.5).
 */
import { isNoClamp } from '../graph/clamp.ts';
import { clampTo, isHomogeneous, type OpDef } from './op.ts';
import { globalShape, only, windowPool } from './sliding.ts';

export const globalavg: OpDef<'globalavg'> = {
  name: 'globalavg',
  shape: (inputs, attrs, name) => globalShape(only(inputs, name), attrs),
  float(xs, attrs, out) {
    const { data } = only(xs, 'globalavg');
    const per = out.f * out.c;
    const acc = new Float64Array(per);
    for (let i = 0; i < data.length; i++) {
      const at = i % per;
      acc[at] = (acc[at] as number) + (data[i] as number);
    }
    const count = data.length / per;
    return Float32Array.from(acc, (sum) => clampTo(sum / count, attrs.clamp));
  },
  stream: () => ({ kind: 'fold', fold: 'sum', bytes: 4 }),
  // a requantised mean rounds differently from a pool
  slid: ({ overF, overC, rule, clamp }, x, quantised) =>
    overC || (quantised && rule !== 'avgpool') ? undefined : { op: 'avgpool', attrs: windowPool(x, overF, clamp) },
  passesScale: ({ clamp, overC }) => !overC && isHomogeneous(clamp),
  means: ({ clamp, overC }, [x]) => (isNoClamp(clamp) && !overC ? x : undefined),
};
