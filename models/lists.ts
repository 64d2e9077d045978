/**
 * Functions on lists of any length. A call passes its arguments on the stack, so `Math.max(...values)`
 * crashes the process if a list from outside is long; these functions do not.
 *
 * In: lists, or a generator.  Out: their maximum, their minimum, the joined or extended list; the generator's
 * result.  test/tree.test.ts forbids the spread form elsewhere.
 */

/** Returns the maximum: -Infinity of an empty list, NaN if a value is NaN. */
export function maxOf(values: Iterable<number>): number {
  let found = Number.NEGATIVE_INFINITY;
  for (const value of values) found = Math.max(found, value);
  return found;
}

/** Returns the minimum: Infinity of an empty list, NaN if a value is NaN. */
export function minOf(values: Iterable<number>): number {
  let found = Number.POSITIVE_INFINITY;
  for (const value of values) found = Math.min(found, value);
  return found;
}

interface Typed {
  set(values: ArrayLike<number>, at: number): void;
}

/** Joins arrays into one of type `make`. */
export function join<T extends Typed>(make: new (length: number) => T, parts: readonly ArrayLike<number>[]): T {
  const all = new make(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Runs a generator to its end and returns its result. The yielded values are ignored. */
export function resultOf<T>(steps: Generator<unknown, T, undefined>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value as T;
  }
}

/** Appends all items to a list. */
export function append<T>(list: T[], items: Iterable<NoInfer<T>>): void {
  for (const item of items) list.push(item);
}
