/**
 * slice in int8: bytes as they are; input and output share one scale.
 *
 * In: [t][f][c] int8.  Out: [t][f][to - from] or [t][to - from][c] int8.  Source: TensorFlow Lite SPLIT_V, STRIDED_SLICE.
 */

import { cutRows } from '../../models/ops/slice.ts';
import { only } from '../../models/ops/sliding.ts';
import type { IntOp } from './op.ts';

export const slice: IntOp<'slice'> = {
  name: 'slice',
  sharesScale: true,
  prepare: ({ attrs }) => ({ axis: attrs.axis, from: attrs.from, to: attrs.to }),
  run: (p, xs, out) => cutRows(new Int8Array(out.t * out.f * out.c), only(xs, 'slice'), p),
};
