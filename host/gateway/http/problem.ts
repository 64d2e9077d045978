/**
 * Converts errors to HTTP responses.
 *
 * In: an error.  Out: an HTTP status, and { error: { code, what, where, why, tryThis } }.
 * Rule: an error that is not a RunletError is a fault of the gateway. The client gets only RN849; the details
 * are in the log.
 */
import { isRunletError, RunletError } from '../../../models/error.ts';

const statuses: Record<string, number> = {
  RN802: 507,
  RN804: 409,
  RN805: 400,
  RN806: 404,
  RN807: 409,
  RN808: 413,
  RN809: 409,
  RN811: 401,
  RN812: 429,
  RN813: 503,
  RN814: 400,
  RN840: 409,
  RN841: 403,
  RN842: 400,
  RN843: 409,
  RN844: 400,
  RN845: 429,
  RN846: 409,
  RN847: 409,
  RN848: 404,
  RN849: 500,
  RN869: 400,
  RN874: 404,
  RN877: 500,
  RN899: 409,
};
/** Codes of a module that has failed on a stream. */
const broken = new Set(['RN830', 'RN831', 'RN835']);

export interface Problem {
  status: number;
  /** Headers of the response. */
  fields: Record<string, string>;
  body: { error: { code: string; what: string; where?: string; why?: string; tryThis?: string } };
}

export function problemOf(error: unknown): Problem {
  const known = isRunletError(error)
    ? error
    : new RunletError('RN849', { what: 'the gateway has a fault', tryThis: 'see the log of the gateway' });
  const status = statuses[known.code] ?? (broken.has(known.code) ? 503 : 422);
  const fields: Record<string, string> = {
    ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
    ...(status === 429 && { 'Retry-After': '1' }),
  };
  return { status, fields, body: { error: { code: known.code, ...known.parts } } };
}

/** Returns RN814. */
export function badRequest(what: string, where: string, why?: string): RunletError {
  return new RunletError('RN814', { what, where, why, tryThis: 'see docs/gateway.md for the requests' });
}

/** Parses a whole number of a query or a header; undefined if there is none. @throws RN814 */
export function wholeNumber(text: string | undefined | null, where: string): number | undefined {
  if (text === undefined || text === null) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw badRequest('this is not a whole number', where, JSON.stringify(text.slice(0, 40)));
}
