/**
 * A verb of the command line, as its file exports it by default. Its name and its text in lists stand in
 * verbs.ts, which loads no verb.
 */
import type { Options } from './options.ts';
import type { Parsed } from './parse.ts';

export interface Verb<A extends Options = Options> {
  args: A;
  /** Command lines without `runlet`, and what each does. */
  examples: readonly (readonly [line: string, text: string])[];
  run(parsed: Parsed<A>): void | Promise<void>;
}

/** A verb with the types of its options. */
export const defineVerb = <const A extends Options>(verb: Verb<A>): Verb<A> => verb;
