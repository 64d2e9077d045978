/**
 * history in int8: copies rows; rows that do not exist hold the zero point. Input and output share one scale.
 *
 * In: [t][f][c] int8.  Out: [t + before + after][f][c] int8.  Source: TensorFlow Lite's resource variables
 * (their initial value).
 */
import { shiftRows } from '../../models/ops/history.ts';
import { only } from '../../models/ops/sliding.ts';
import { makeInts, typesOf } from './int16.ts';
import { type IntOp, quantOf } from './op.ts';

export const history: IntOp<'history'> = {
  name: 'history',
  sharesScale: () => 'moved',
  int16: () => 'same',
  prepare: ({ attrs, name }, [x], y) => ({
    before: attrs.before,
    after: attrs.after,
    ...(attrs.own && { own: attrs.own }),
    zero: quantOf(x, name).zeroPoint,
    ...typesOf(quantOf(x, name), quantOf(y, name)),
  }),
  run: (p, xs, out) => shiftRows(makeInts(p.types?.y, out.t * out.f * out.c).fill(p.zero), only(xs, 'history'), p),
};
