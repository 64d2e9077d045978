/**
 * concat: joins tensors along channels or feature rows.
 *
 * In: n of [t][f][c].  Out: [t][f][sum c] or [t][sum f][c].  Source: ONNX Concat, TensorFlow Lite
 * CONCATENATION. Streaming: point-wise in time; the planner matches the delays of the branches (StreamiNNC
 * rule R11). Concatenation along time is not supported.
 */
import type { Ints, Shape } from '../graph/types.ts';
import { misfit, type OpDef } from './op.ts';
import { showShape } from './sliding.ts';

/** Fills `y` with the inputs' rows side by side. It works for any number type. */
export function joinRows<A extends Float32Array | Ints>(y: A, xs: { data: A }[], axis: 'c' | 'f', out: Shape): A {
  const rows = axis === 'c' ? out.t * out.f : out.t;
  const row = y.length / rows;
  let offset = 0;
  for (const x of xs) {
    const part = x.data.length / rows;
    for (let r = 0; r < rows; r++) y.set(x.data.subarray(r * part, (r + 1) * part), r * row + offset);
    offset += part;
  }
  return y;
}

export const concat: OpDef<'concat'> = {
  name: 'concat',
  shape(inputs, attrs, name) {
    const [first] = inputs;
    const fits = (s: Shape) => s.t === first?.t && (attrs.axis === 'c' ? s.f === first.f : s.c === first.c);
    if (!first || !inputs.every(fits)) {
      throw misfit(
        name,
        `inputs cannot be joined along ${attrs.axis}`,
        inputs.map(showShape).join(', '),
        'give all branches the same number of frames',
      );
    }
    const total = inputs.reduce((sum, s) => sum + s[attrs.axis], 0);
    return { ...first, [attrs.axis]: total };
  },
  float: (xs, attrs, out) => joinRows(new Float32Array(out.t * out.f * out.c), xs, attrs.axis, out),
  passesScale: ({ axis }) => axis === 'f',
  means: ({ axis }, xs) => (axis === 'c' ? Float64Array.from(xs.flatMap((x) => [...x])) : undefined),
  inputChannels({ axis }, y, which, channels) {
    if (axis === 'f') return y;
    const before = channels.slice(0, which).reduce((n, c) => n + c, 0);
    return y.slice(before, before + (channels[which] as number));
  },
};
