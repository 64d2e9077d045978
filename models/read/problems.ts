/**
 * All that is wrong with a file, said at once.
 *
 * In: errors of its inputs, operators and weights.  Out: one error: the only one itself, else RN169 with a
 * list of all.  Lists are bounded.
 */
import { RunletError } from '../error.ts';

/**
 * Entries of a list in a message. A choice: more are not read by anybody, and a hostile file may hold ten
 * thousand.
 */
const longestList = 32;

/** Entries with `; ` between them, the first ones where there are many. */
export function listed(entries: readonly string[]): string {
  const shown = entries.slice(0, longestList).join('; ');
  return entries.length > longestList ? `${shown}; and ${entries.length - longestList} more` : shown;
}

function shortOf({ code, parts: { what, where, why } }: RunletError): string {
  return `${code} ${what}${where ? ` (${where})` : ''}${why ? `: ${why}` : ''}`;
}

/** One error for all; of several the code is RN169. @param errors at least one */
export function together(errors: readonly RunletError[]): RunletError {
  const [first, second] = errors as [RunletError, ...RunletError[]];
  if (!second) return first;
  const tries = [...new Set(errors.map(({ parts }) => parts.tryThis ?? ''))].filter(Boolean);
  return new RunletError('RN169', {
    what: `${errors.length} things stand in the way of this model`,
    why: listed(errors.map(shortOf)),
    tryThis: listed(tries),
  });
}
