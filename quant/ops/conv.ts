/**
 * conv in int8: acc = bias + sum w * (x - x_zero); y = clamp(y_zero + requantise(acc)).
 *
 * In: [t][f][c] int8.  Out: [t'][f'][o] int8.  Padded taps hold the zero point and add nothing.
 * Source: TensorFlow Lite reference_integer_ops::ConvPerChannel.
 */
import type { Ints } from '../../models/graph/types.ts';
import { eachPlace, forEachTap, only } from '../../models/ops/sliding.ts';
import { accumulators, finishSum, makeInts } from './int16.ts';
import type { IntOp } from './op.ts';
import { macNudge, macParams } from './sliding.ts';

export const conv: IntOp<'conv'> = {
  name: 'conv',
  int16: () => 'any',
  prepare: ({ attrs, name }, [x], y) =>
    macParams(name, { ...attrs, geometry: attrs, per: (x?.shape.c ?? 0) / attrs.groups }, x, y),
  run(p, xs, out) {
    const x = only(xs, 'conv');
    const y = makeInts(p.types?.y, out.t * out.f * out.c);
    const acc = accumulators(p.types, out.c);
    const { per, weights, xZero } = p;
    const { kernelT, kernelF } = p.geometry;
    const perGroup = (out.c * per) / x.shape.c;
    eachPlace(out, (t, f, at) => {
      acc.set(p.bias);
      forEachTap(x.shape, p.geometry, t, f, (offset, kt, kf) => {
        addTap(acc, weights, kernelT * kernelF * per, (kt * kernelF + kf) * per, x.data, xZero, offset, per, perGroup);
      });
      for (let o = 0; o < out.c; o++) y[at + o] = finishSum(p, acc[o] as number, o);
    });
    return y;
  },
  nudge: macNudge,
};

/**
 * All outputs take one tap, `per` inputs each. It takes plain values: parameters have many forms, and an
 * engine would look their fields up at every input.
 */
function addTap(
  acc: Int32Array | Float64Array,
  w: Int8Array, // [o][row]
  row: number,
  tap: number,
  x: Ints,
  xZero: number,
  offset: number,
  per: number,
  perGroup: number,
): void {
  for (let o = 0; o < acc.length; o++) {
    const from = offset + Math.floor(o / perGroup) * per;
    const at = o * row + tap;
    let sum = 0;
    for (let i = 0; i < per; i++) sum += (w[at + i] as number) * ((x[from + i] as number) - xZero);
    acc[o] = (acc[o] as number) + sum;
  }
}
