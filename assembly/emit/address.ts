/**
 * Addresses before anything has a place: the number of an item of memory, and a distance from its start.
 *
 * In: the number of an item, from 1 on.  Out: an address, a number that stays one when distances are added.
 * Whoever packs or writes a program does so once, with these; link.ts puts real ones in their place.
 */
const span = 2 ** 33;

export const addressOf = (item: number): number => item * span;

/** 0 of what is no address: all numbers of 32 bits, with a sign or without. */
export const itemOf = (value: number): number => Math.round(value / span);

/** `value` with every address in it as it is in memory; `starts`: of items. */
export function resolved<T>(value: T, starts: ReadonlyMap<number, number>): T {
  if (typeof value === 'number') {
    const item = itemOf(value);
    return (item === 0 ? value : (starts.get(item) as number) + value - addressOf(item)) as T;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => resolved(one, starts)) as T;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(one, starts)])) as T;
}
