/**
 * Combines all errors of a file into one.
 *
 * In: errors of its inputs, operators and weights.  Out: a single error unchanged; several as RN169 with a
 * list of all. Lists are bounded.
 */
import { RunletError } from '../error.ts';

/** Largest number of entries in a message. A choice: nobody reads more, and a hostile file may cause many. */
const maxEntries = 32;

/** Joins entries with `; `, and shortens a long list. */
export function listed(entries: readonly string[]): string {
  const shown = entries.slice(0, maxEntries).join('; ');
  return entries.length > maxEntries ? `${shown}; and ${entries.length - maxEntries} more` : shown;
}

function shortOf({ code, parts: { what, where, why } }: RunletError): string {
  return `${code} ${what}${where ? ` (${where})` : ''}${why ? `: ${why}` : ''}`;
}

/** Returns one error for all; several errors get the code RN169. @param errors at least one */
export function together(errors: readonly RunletError[]): RunletError {
  const [first, second] = errors as [RunletError, ...RunletError[]];
  if (!second) return first;
  const tries = [...new Set(errors.map(({ parts }) => parts.tryThis ?? ''))].filter(Boolean);
  return new RunletError('RN169', {
    what: `this model has ${errors.length} problems`,
    why: listed(errors.map(shortOf)),
    tryThis: listed(tries),
  });
}

/** Returns the number of problems that an error of `together` lists; 1 for any other error. */
export const problemsIn = ({ code, parts: { what } }: RunletError): number => (code === 'RN169' ? Number(/\d+/.exec(what)) : 1);
