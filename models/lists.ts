/**
 * Lists of any length. A call takes its arguments on the stack, so `Math.max(...values)` ends the process where a list from outside is long; these do not.
 *
 * In: lists.  Out: what Math.max, Math.min and push give for their elements. test/tree.test.ts forbids the spread form elsewhere.
 */

/** -Infinity of none; NaN where one is NaN. */
export function maxOf(values: Iterable<number>): number {
  let found = Number.NEGATIVE_INFINITY;
  for (const value of values) found = Math.max(found, value);
  return found;
}

/** Infinity of none; NaN where one is NaN. */
export function minOf(values: Iterable<number>): number {
  let found = Number.POSITIVE_INFINITY;
  for (const value of values) found = Math.min(found, value);
  return found;
}

/** Adds all items at the end of a list. */
export function append<T>(list: T[], items: Iterable<NoInfer<T>>): void {
  for (const item of items) list.push(item);
}
