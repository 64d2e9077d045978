/**
 * slice in int8: copies values. Input and output share one scale.
 *
 * In: [t][f][c] int8.  Out: [t][f][to - from] or [t][to - from][c] int8.  Source: TensorFlow Lite SPLIT_V,
 * STRIDED_SLICE.
 */

import { cutRows } from '../../models/ops/slice.ts';
import { only } from '../../models/ops/sliding.ts';
import { makeInts, typesOf } from './int16.ts';
import { type IntOp, quantOf } from './op.ts';

export const slice: IntOp<'slice'> = {
  name: 'slice',
  sharesScale: () => 'cut',
  int16: () => 'same',
  prepare: ({ attrs, name }, [x], y) => ({
    axis: attrs.axis,
    from: attrs.from,
    to: attrs.to,
    ...typesOf(quantOf(x, name), quantOf(y, name)),
  }),
  run: (p, xs, out) => cutRows(makeInts(p.types?.y, out.t * out.f * out.c), only(xs, 'slice'), p),
};
