/**
 * Lists of any length. A call takes its arguments on the stack, so `Math.max(...values)` ends the process
 * where a list from outside is long; these do not.
 *
 * In: lists, or steps of a generator.  Out: what Math.max, Math.min and push give for their elements; all
 * joined; the generator's result.  test/tree.test.ts forbids the spread form elsewhere.
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

interface Typed {
  set(values: ArrayLike<number>, at: number): void;
}

/** All values one after the other, in an array of type `make`. */
export function join<T extends Typed>(make: new (length: number) => T, parts: readonly ArrayLike<number>[]): T {
  const all = new make(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** What a generator returns, its steps left aside. */
export function resultOf<T>(steps: Generator<unknown, T, undefined>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value as T;
  }
}

/** Adds all items at the end of a list. */
export function append<T>(list: T[], items: Iterable<NoInfer<T>>): void {
  for (const item of items) list.push(item);
}
