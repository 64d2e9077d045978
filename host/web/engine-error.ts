/**
 * Converts errors for the way from the engine to the page.
 *
 * In: anything that was thrown.  Out: code and parts of a RunletError; for other errors RN789, a fault of
 * Runlet.
 */
import { type ErrorParts, isRunletError } from '../../models/error.ts';

/** Code and parts of an error. */
export function errorOf(error: unknown): { code: string; parts: ErrorParts } {
  if (isRunletError(error)) return { code: error.code, parts: error.parts };
  const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: 'RN789', parts: { what: 'the page has an internal error', why, tryThis: 'report it with the file' } };
}
