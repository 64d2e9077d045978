/**
 * regroup in integers: copies values. Input and output share one scale.
 *
 * In: [t][f][c] int8 or int16.  Out: the same elements as [t][attrs.f][f * c / attrs.f].
 */
import { only } from '../../models/ops/sliding.ts';
import { typesOf } from './int16.ts';
import { type IntOp, quantOf } from './op.ts';

export const regroup: IntOp<'regroup'> = {
  name: 'regroup',
  sharesScale: () => 'moved',
  int16: () => 'same',
  prepare: ({ name }, [x], y) => typesOf(quantOf(x, name), quantOf(y, name)),
  run: (_p, xs) => only(xs, 'regroup').data.slice(),
};
