/**
 * A verb of the command line. Each verb's file has one as its default export. verbs.ts holds the names and
 * short descriptions, and loads no verb for them.
 */
import type { Options } from './options.ts';
import type { Parsed } from './parse.ts';

export interface Verb<A extends Options = Options> {
  args: A;
  /** Example command lines without `runlet`, each with a description. */
  examples: readonly (readonly [line: string, text: string])[];
  run(parsed: Parsed<A>): void | Promise<void>;
}

/** Declares a verb and infers the types of its options. */
export const defineVerb = <const A extends Options>(verb: Verb<A>): Verb<A> => verb;
