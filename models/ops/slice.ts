/**
 * slice: a range of the channels or of the feature rows. No arithmetic.
 *
 * In: [t][f][c].  Out: [t][f][to - from] or [t][to - from][c].  Source: TensorFlow Lite SPLIT, SPLIT_V,
 * SLICE, STRIDED_SLICE. Streaming: point-wise in time.
 */
import type { Ints, Shape } from '../graph/types.ts';
import { misfit, type OpDef } from './op.ts';
import { only, showShape } from './sliding.ts';

/** Fills `y` with elements [from, to) of x along the axis. It works for any number type. */
export function cutRows<A extends Float32Array | Ints>(
  y: A,
  x: { data: A; shape: Shape },
  attrs: { axis: 'c' | 'f'; from: number; to: number },
): A {
  const { t, f, c } = x.shape;
  const unit = attrs.axis === 'c' ? 1 : c;
  const pitch = attrs.axis === 'c' ? c : f * c;
  const part = (attrs.to - attrs.from) * unit;
  const runs = (t * f * c) / pitch;
  for (let r = 0; r < runs; r++) {
    const at = r * pitch + attrs.from * unit;
    y.set(x.data.subarray(at, at + part), r * part);
  }
  return y;
}

export const slice: OpDef<'slice'> = {
  name: 'slice',
  shape(inputs, { axis, from, to }, name) {
    const x = only(inputs, name);
    if (from >= 0 && to > from && to <= x[axis]) return { ...x, [axis]: to - from };
    throw misfit(name, `[${from}, ${to}) of axis ${axis} does not lie in ${showShape(x)}`);
  },
  float: (xs, attrs, out) => cutRows(new Float32Array(out.t * out.f * out.c), only(xs, 'slice'), attrs),
  passesScale: ({ axis }) => axis === 'f',
  means: ({ axis, from, to }, [x]) => (axis === 'f' ? x : x?.slice(from, to)),
  inputChannels({ axis, from }, y, _which, [channels = 0]) {
    if (axis === 'f') return y;
    const x = new Float64Array(channels);
    x.set(y, from);
    return x;
  },
};
