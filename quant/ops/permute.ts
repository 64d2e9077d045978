/**
 * permute in integers: copies values. Input and output share one scale.
 *
 * In: [t][f][c] int8 or int16.  Out: the same elements in the order of models/ops/permute.ts.
 */
import { sourcesOf, walkOf } from '../../models/ops/permute.ts';
import { only } from '../../models/ops/sliding.ts';
import { makeInts, typesOf } from './int16.ts';
import { type IntOp, quantOf } from './op.ts';

export const permute: IntOp<'permute'> = {
  name: 'permute',
  sharesScale: () => 'moved',
  int16: () => 'same',
  prepare: ({ attrs, name }, [x], y) => ({
    attrs,
    walk: walkOf(attrs, only(x ? [x.shape] : [], name)),
    ...typesOf(quantOf(x, name), quantOf(y, name)),
  }),
  run(p, xs, out) {
    const { data, shape } = only(xs, 'permute');
    const y = makeInts(p.types?.y, out.t * out.f * out.c);
    for (const [i, at] of sourcesOf(p.attrs, shape).entries()) y[i] = data[at] as number;
    return y;
  },
};
