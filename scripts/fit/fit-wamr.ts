/**
 * Fits the costs of the handlers of WAMR's fast interpreter to measured hops by non-negative least squares.
 *
 * In: modules with the handlers that ran in each hop, and the largest number of instructions of a hop.  Out:
 * the cost of each handler and of a call of rn_push, in instructions. Errors are relative, so that small and
 * large networks have the same weight. The cost of a rare handler stays near the first guess for its kind.
 */
import type { HopCounts } from '../../host/fit/counts.ts';
import { callName } from '../../host/fit/wamr-count.ts';
import { handlerCounts, handlersOf } from '../../host/fit/wamr-fast.ts';
import { nonNegative } from './least-squares.ts';

export interface CountedModule {
  counts: HopCounts;
  most: number;
}

/** Returns a first guess for a handler: its instructions on a 32-bit core, with the dispatch. */
function usual(name: string): number {
  if (name === callName) return 800;
  if (/\.cells|\.locals/.test(name)) return 5;
  if (/:/.test(name)) return 2;
  if (/^call/.test(name)) return 60;
  if (/^2[89a-f]$|^3[0-9a-e]$/.test(name)) return 24;
  return 14;
}

export function fitWamr(modules: readonly CountedModule[]): Record<string, number> {
  const counted = modules.map(({ counts, most }) => {
    const handlers = handlersOf(counts.module, counts.segments);
    return { most, hops: counts.hops.map((hop) => handlerCounts(handlers, counts.segments, hop)) };
  });
  const names = [callName, ...new Set(counted.flatMap(({ hops }) => hops.flatMap((hop) => [...hop.keys()])))].sort();
  const guess = names.map(usual);
  const rows = counted.map(({ hops, most }) => {
    const all = hops.map((hop) => names.map((name) => (name === callName ? 1 : (hop.get(name) ?? 0))));
    const size = (row: number[]) => row.reduce((sum, count, i) => sum + count * (guess[i] ?? 0), 0);
    const row = all.reduce((a, b) => (size(b) > size(a) ? b : a));
    return row.map((count, i) => (count * (guess[i] ?? 0)) / most);
  });
  const solved = nonNegative(rows, rows.map(() => 1), 1e-6, guess.map(() => 1)); // biome-ignore format: one line
  return Object.fromEntries(names.map((name, i) => [name, Number(((solved[i] ?? 0) * (guess[i] ?? 0)).toPrecision(4))]));
}
