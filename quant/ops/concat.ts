/**
 * concat in int8: bytes side by side; all inputs share the output's scale (quant/legalise.ts sees to it).
 *
 * In: n of [t][f][c] int8.  Out: [t][f][sum c] or [t][sum f][c] int8.  Source: TensorFlow Lite CONCATENATION.
 */
import { joinRows } from '../../models/ops/concat.ts';
import type { IntOp } from './op.ts';

export const concat: IntOp<'concat'> = {
  name: 'concat',
  sharesScale: true,
  prepare: ({ attrs }) => ({ axis: attrs.axis }),
  run: (p, xs, out) => joinRows(new Int8Array(out.t * out.f * out.c), xs, p.axis, out),
};
