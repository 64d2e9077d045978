/**
 * What shells complete, from the declarations of the verbs.
 */
import { kebab } from '../../command/args.ts';
import type { Option, Options } from '../../command/options.ts';

export interface Completed {
  name: string;
  about: string;
  options: Options;
}

/** An option as it is written; `--no-NAME` stands apart. */
export interface Written {
  long: string;
  short?: string;
  about: string;
  /** It takes a value: what stands for it. */
  hint?: string;
  words?: readonly string[];
  path?: boolean;
}

/** The options of a verb, without its arguments. */
export const writtenOptions = (options: Options): Written[] =>
  (Object.entries(options) as [string, Option][]).flatMap(
    ([name, { place, short, about, read, hint, words, path, negative }]) => {
      if (place) return [];
      const one = { long: kebab(name), about, ...(short && { short }), ...(read && { hint: hint ?? 'value', words, path }) };
      return [one, ...(negative ? [{ long: `no-${kebab(name)}`, about: negative }] : [])];
    },
  );

/** Words that an argument of the verb takes. */
export const argumentWords = (options: Options): readonly string[] | undefined =>
  Object.values(options).find(({ place, words }) => place && words)?.words;

/** A text between single quotes, for shells of the Bourne family. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
