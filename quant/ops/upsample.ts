/**
 * upsample in integers: copies values; inserted zeros hold the zero point. Input and output share one scale.
 *
 * In: [t][f][c] int8 or int16.  Out: the same type with more rows or columns, as models/ops/upsample.ts.
 */
import { only } from '../../models/ops/sliding.ts';
import { spreadRows } from '../../models/ops/upsample.ts';
import { makeInts, typesOf } from './int16.ts';
import { type IntOp, quantOf } from './op.ts';

export const upsample: IntOp<'upsample'> = {
  name: 'upsample',
  sharesScale: () => 'moved',
  int16: () => 'same',
  prepare: ({ attrs, name }, [x], y) => ({
    attrs,
    zero: quantOf(x, name).zeroPoint,
    ...typesOf(quantOf(x, name), quantOf(y, name)),
  }),
  run: (p, xs, out) => spreadRows(makeInts(p.types?.y, out.t * out.f * out.c).fill(p.zero), only(xs, 'upsample'), p.attrs, out),
};
