/**
 * Symbolic addresses, for use before items have a place in memory: an item's number and a distance in one.
 *
 * In: the number of an item, from 1 on.  Out: an address; distances from the item's start can be added to it.
 * Blocks and programs are written once with these addresses, and link.ts replaces them by real ones.
 */
const span = 2 ** 33;

export const addressOf = (item: number): number => item * span;

/** Returns the item of an address; 0 for any number of 32 bits, signed or unsigned. */
export const itemOf = (value: number): number => Math.round(value / span);

/** Returns `value` with real addresses. @param starts addresses of the items' starts. */
export function resolved<T>(value: T, starts: ReadonlyMap<number, number>): T {
  if (typeof value === 'number') {
    const item = itemOf(value);
    return (item === 0 ? value : (starts.get(item) as number) + value - addressOf(item)) as T;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => resolved(one, starts)) as T;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(one, starts)])) as T;
}
