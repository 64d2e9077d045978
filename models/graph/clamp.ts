/**
 * Combines clamps (fused activations).
 *
 * In: two consecutive clamps of a real value.  Out: one equal clamp. It may be a single value [x, x].
 */
import { type Clamp, noClamp } from './types.ts';

/** Returns the clamp that equals clamping to `first`, then to `second`. */
export function thenClamp(first: Clamp, second: Clamp): Clamp {
  const to = (x: number) => Math.min(second[1], Math.max(second[0], x));
  return [to(first[0]), to(first[1])];
}

export const isNoClamp = (clamp: Clamp): boolean => clamp[0] === noClamp[0] && clamp[1] === noClamp[1];
