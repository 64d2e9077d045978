/**
 * A table's entry by a name that comes from outside.
 *
 * In: a table written as an object, a name of a file, a command line or a wire.  Out: the entry, or
 * undefined, also for `constructor`, `__proto__` and the other names that every object inherits.
 */
export const lookup = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
