/**
 * Functions that take several operators here: the larger or smaller of two values, slopes that differ.
 *
 * In: float tensors.  Out: the tensor that the last operator gives.
 */
import { type ActivationAttrs, kernelOfOne, noClamp } from '../graph/types.ts';
import type { AddNode } from './recurrent.ts';
import { type Spread, valuesOf } from './spread.ts';

const inf = Number.POSITIVE_INFINITY;

/**
 * Attributes of the operator that turns a softmax into a LogSoftmax. The lower bound is the logarithm of the
 * smallest normal float32: below it a softmax gives 0, whose logarithm is not finite.
 */
export const logOfSoftmax: ActivationAttrs = { fn: 'log', clamp: [-87, 0] };

/** Adds max(a, b) = b + relu(a - b), or min(a, b) = b - relu(b - a). */
export function extremeOf(add: AddNode, [a, b]: readonly [number, number], isMax: boolean, name: string): number {
  const beyond = add('add', [a, b], { clamp: [0, inf], minus: isMax ? 1 : 0 }, `${name}/beyond`);
  return add('add', [b, beyond], { clamp: noClamp, ...(!isMax && { minus: 1 as const }) }, name);
}

/**
 * Adds max(x, 0) + slope min(x, 0).
 * @param c channels of x. @param laid how the slopes are broadcast over x
 */
export function slopesOf(
  add: AddNode,
  { tensor, c }: { tensor: number; c: number },
  laid: Spread,
  slopes: ArrayLike<number>,
  name: string,
): number {
  const data = Float32Array.from(valuesOf(laid, slopes, laid.over === 'c' ? c : undefined));
  if (data.every((slope) => slope === data[0]))
    return add('activation', [tensor], { fn: 'leakyrelu', alpha: data[0] as number, clamp: noClamp }, name);
  const side = (clamp: readonly [number, number], what: string) =>
    add('activation', [tensor], { fn: 'identity', clamp }, `${name}/${what}`);
  const below = side([-inf, 0], 'below');
  const depthwise = { ...kernelOfOne, multiplier: 1, weights: { data }, bias: null, clamp: noClamp };
  const sloped =
    laid.over === 'c'
      ? add('depthwise', [below], depthwise, `${name}/slopes`)
      : add('mul', [below], { clamp: noClamp, constant: { data } }, `${name}/slopes`);
  return add('add', [side([0, inf], 'above'), sloped], { clamp: noClamp }, name);
}
