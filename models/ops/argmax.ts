/**
 * argmax: the index of the largest channel of each frame row.
 *
 * In: [t][f][c], at most 256 channels.  Out: [t][f][1], indexes from 0. Of equal values the first one counts,
 * or the last one.  Source: ONNX ArgMax, TensorFlow Lite ARG_MAX, as classifiers end with it.
 * Streaming: point-wise.
 */
import { misfit, type OpDef } from './op.ts';
import { only } from './sliding.ts';

/** One step is one class, so that int8 holds every index. */
export const indexOutput = { scale: 1, zeroPoint: -128 };

/** Classes that an int8 output can tell apart. */
const maxClasses = 256;

/** Index of the largest of `count` values from `from` on. */
export function largest(values: ArrayLike<number>, from: number, count: number, last: boolean): number {
  let best = 0;
  for (let i = 1; i < count; i++) {
    const [value, top] = [values[from + i] as number, values[from + best] as number];
    if (value > top || (last && value === top)) best = i;
  }
  return best;
}

export const argmax: OpDef<'argmax'> = {
  name: 'argmax',
  shape(inputs, _attrs, name) {
    const { t, f, c } = only(inputs, name);
    if (c <= maxClasses) return { t, f, c: 1 };
    throw misfit(
      name,
      `an index of ${c} classes`,
      `int8 holds ${maxClasses} indexes`,
      'end the model at its scores, and find the largest one on the host',
    );
  },
  float(xs, { last }, out) {
    const { data } = only(xs, 'argmax');
    const rows = out.t * out.f;
    const count = data.length / rows;
    return Float32Array.from({ length: rows }, (_, row) => largest(data, row * count, count, last));
  },
  fixed: () => indexOutput,
  classes: ([x]) => x?.c ?? 1,
  inputChannels: (_attrs, _y, _which, [channels = 1]) => new Float64Array(channels).fill(1),
};
