/**
 * concat in int8: bytes side by side; all inputs share the output's scale (quant/legalise.ts sees to it).
 *
 * In: n of [t][f][c] int8.  Out: [t][f][sum c] or [t][sum f][c] int8.  Source: TensorFlow Lite CONCATENATION.
 */
import type { IntOp } from './op.ts';

export const concat: IntOp<'concat'> = {
  name: 'concat',
  sharesScale: true,
  prepare: ({ attrs }) => ({ axis: attrs.axis }),
  run(p, xs, out) {
    const y = new Int8Array(out.t * out.f * out.c);
    const rows = p.axis === 'c' ? out.t * out.f : out.t;
    const row = y.length / rows;
    let offset = 0;
    for (const x of xs) {
      const part = x.data.length / rows;
      for (let r = 0; r < rows; r++) y.set(x.data.subarray(r * part, (r + 1) * part), r * row + offset);
      offset += part;
    }
    return y;
  },
};
