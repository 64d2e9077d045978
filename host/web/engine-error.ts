/**
 * Errors as they travel from the engine to the page.
 *
 * In: anything that was thrown.  Out: code and parts of a RunletError; anything else is a fault of Runlet,
 * RN789.
 */
import { type ErrorParts, isRunletError } from '../../models/error.ts';

/** What of an error goes to the page. */
export function errorOf(error: unknown): { code: string; parts: ErrorParts } {
  if (isRunletError(error)) return { code: error.code, parts: error.parts };
  const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: 'RN789', parts: { what: 'the page ran into a fault of its own', why, tryThis: 'report it with the file' } };
}
