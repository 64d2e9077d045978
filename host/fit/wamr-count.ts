/**
 * Estimates the instructions of a hop in WAMR's fast interpreter: runs of each handler times its cost.
 *
 * In: counted hops, costs of the handlers on a core.  Out: instructions of each hop, and the share of them in
 * measured handlers.
 */
import type { HopCounts } from './counts.ts';
import { handlerCounts, handlersOf } from './wamr-fast.ts';

/** Key of the cost of one call of rn_push without its handlers. */
export const callName = 'call of rn_push';

/** Assumed cost of a handler that was not measured, in instructions: about that of the others. */
const usual = 20;

export function wamrCount(
  { module, segments, hops }: HopCounts,
  costs: Record<string, number>,
): { hops: number[]; known: number } {
  const handlers = handlersOf(module, segments);
  let known = 0;
  let all = 0;
  const sums = hops.map((hop) => {
    let sum = costs[callName] ?? 0;
    for (const [name, count] of handlerCounts(handlers, segments, hop)) {
      const cost = costs[name];
      const part = count * (cost ?? usual);
      sum += part;
      all += part;
      if (cost !== undefined) known += part;
    }
    return sum;
  });
  return { hops: sums, known: known / (all || 1) };
}
