/**
 * RunletError: the error type of Runlet.
 *
 * In: a code, and what / where / why / what to try.  Out: an Error whose message joins these four parts in
 * one paragraph. Parts may contain names and messages from files. Control characters and newlines are
 * therefore written as `\uXXXX`, so that a name cannot start a line that looks like one of Runlet's.
 * Codes: RN1xx read, RN2xx plan, RN3xx operator, RN4xx quantise, RN5xx emit, RN6xx bundle, RN7xx session,
 * RN8xx gateway. Every code has a paragraph in docs/errors.md; test/errors.test.ts checks both directions.
 */

import { printable } from './printable.ts';

export interface ErrorParts {
  /** What went wrong, one sentence without a full stop. */
  what: string;
  /** The file, node, tensor, byte offset or option concerned. */
  where?: string;
  /** Why it cannot work. */
  why?: string;
  /** What the user can try. */
  tryThis?: string;
}

export class RunletError extends Error {
  readonly code: string;
  readonly parts: ErrorParts;

  constructor(code: string, given: ErrorParts) {
    const parts = Object.fromEntries(
      Object.entries(given).map(([name, text]) => [name, text === undefined ? text : printable(String(text))]),
    ) as unknown as ErrorParts;
    const where = parts.where ? ` (${parts.where})` : '';
    const why = parts.why ? `: ${parts.why}` : '';
    const tryThis = parts.tryThis ? `. Try: ${parts.tryThis}` : '';
    super(`${code}: ${parts.what}${where}${why}${tryThis}`);
    this.name = 'RunletError';
    this.code = code;
    this.parts = parts;
  }
}

/** Whether Runlet raised the error on purpose (any other error is a bug). */
export const isRunletError = (error: unknown): error is RunletError => error instanceof Error && error.name === 'RunletError';
