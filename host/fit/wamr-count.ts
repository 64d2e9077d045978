/**
 * Machine instructions of a hop in WAMR's fast interpreter: how often each handler runs, times what it takes.
 *
 * In: counted hops, handlers' costs on a core.  Out: instructions of each hop, and the share of handlers'
 * runs that were measured.
 */
import type { HopCounts } from './counts.ts';
import { handlerCounts, handlersOf } from './wamr-fast.ts';

/** What one call of rn_push takes beside its handlers. */
export const callName = 'call of rn_push';

/** A handler that was not measured takes about what the others do. */
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
