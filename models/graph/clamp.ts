/**
 * Clamps: fused activations, one after the other.
 *
 * In: clamps of a real value.  Out: the one clamp that equals them. A clamp may be empty of range only as [x,
 * x].
 */
import { type Clamp, noClamp } from './types.ts';

/** The clamp that equals clamping to `first`, then to `second`. */
export function thenClamp(first: Clamp, second: Clamp): Clamp {
  const to = (x: number) => Math.min(second[1], Math.max(second[0], x));
  return [to(first[0]), to(first[1])];
}

export const isNoClamp = (clamp: Clamp): boolean => clamp[0] === noClamp[0] && clamp[1] === noClamp[1];
