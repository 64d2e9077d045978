/**
 * lookup: finds a table's entry by a name from outside.
 *
 * In: a table (an object), a name from a file, a command line or a network message.  Out: the entry, or
 * undefined, also for names that every object inherits, such as `constructor` and `__proto__`.
 */
export const lookup = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
