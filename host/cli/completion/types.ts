/**
 * The data for shell completion, taken from the declarations of the verbs.
 */
import { kebab } from '../../command/args.ts';
import type { Option, Options } from '../../command/options.ts';

export interface Completed {
  name: string;
  about: string;
  options: Options;
}

/** One spelling of an option; `--no-NAME` is a separate one. */
export interface Written {
  long: string;
  short?: string;
  about: string;
  /** Placeholder of the value; undefined for a flag. */
  hint?: string;
  words?: readonly string[];
  path?: boolean;
}

/** Returns the options of a verb, without its positional arguments. */
export const writtenOptions = (options: Options): Written[] =>
  (Object.entries(options) as [string, Option][]).flatMap(
    ([name, { place, short, about, read, hint, words, path, negative }]) => {
      if (place) return [];
      const one = { long: kebab(name), about, ...(short && { short }), ...(read && { hint: hint ?? 'value', words, path }) };
      return [one, ...(negative ? [{ long: `no-${kebab(name)}`, about: negative }] : [])];
    },
  );

/** Returns the values that the verb's positional argument accepts, if they are a list. */
export const argumentWords = (options: Options): readonly string[] | undefined =>
  Object.values(options).find(({ place, words }) => place && words)?.words;

/** Puts a text in single quotes, for Bourne shells. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
