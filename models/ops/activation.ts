/**
 * activation: a function of one value (unary.ts), applied to every element; in int8 a 256-entry table.
 *
 * In: [t][f][c].  Out: the same shape.  Relu and clip are clamps of the operator before them; a standalone
 * one is `identity` with a clamp.
 */
import type { ActivationAttrs } from '../graph/types.ts';
import { clampTo, isHomogeneous, type OpDef } from './op.ts';
import { only } from './sliding.ts';
import { unaryOf } from './unary.ts';

/** Returns the real function without its clamp. */
export function realOf({ fn, alpha }: ActivationAttrs): (x: number) => number {
  const { of, alpha: given = Number.NaN } = unaryOf(fn);
  const a = alpha ?? given;
  return (x) => of(x, a);
}

export const activation: OpDef<'activation'> = {
  name: 'activation',
  shape: (inputs, _attrs, name) => ({ ...only(inputs, name) }),
  float: (xs, attrs) => {
    const f = realOf(attrs);
    return only(xs, 'activation').data.map((x) => clampTo(f(x), attrs.clamp));
  },
  fixed: ({ fn }) => unaryOf(fn).fixed,
  steep: ({ fn }) => unaryOf(fn).steep === true,
  domain: ({ fn }) => unaryOf(fn).domain,
  passesScale: ({ fn, clamp }) => unaryOf(fn).homogeneous === true && isHomogeneous(clamp),
};
