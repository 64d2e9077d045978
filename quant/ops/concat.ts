/**
 * concat in int8: copies the values of all inputs. They have the output's scale (quant/legalise.ts ensures
 * it).
 *
 * In: n of [t][f][c] int8.  Out: [t][f][sum c] or [t][sum f][c] int8.  Source: TensorFlow Lite CONCATENATION.
 */
import { joinRows } from '../../models/ops/concat.ts';
import { makeInts, typesOf } from './int16.ts';
import { type IntOp, quantOf } from './op.ts';

export const concat: IntOp<'concat'> = {
  name: 'concat',
  sharesScale: () => 'joined',
  int16: () => 'same',
  prepare: ({ attrs, name }, [x], y) => ({ axis: attrs.axis, ...typesOf(quantOf(x, name), quantOf(y, name)) }),
  run: (p, xs, out) => joinRows(makeInts(p.types?.y, out.t * out.f * out.c), xs, p.axis, out),
};
