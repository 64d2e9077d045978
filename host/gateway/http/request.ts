/**
 * Readers of requests: the body in pieces, as a whole or as JSON, the offset of an upload's piece.
 *
 * In: a request.  Out: the value.  Errors: RN814. The size of a body in memory is limited by its route.
 */
import type { Context } from 'hono';
import * as v from 'valibot';
import { join } from '../../../models/lists.ts';
import { badRequest, wholeNumber } from './problem.ts';

/** Largest size of the frames in one request, in bytes. A choice. */
export const maxFrameBytes = 1 << 20;
const maxJsonBytes = 4096;

export async function* piecesOf(c: Context): AsyncGenerator<Uint8Array> {
  const { body } = c.req.raw;
  if (body) for await (const piece of body) yield piece;
}

/** Reads a request's body. Refuses it before reading if Content-Length is too large. @throws RN814 */
export async function bodyOf(c: Context, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = (bytes: number) =>
    badRequest('the request is too large', c.req.path, `it has ${bytes} bytes, and the limit is ${maxBytes}`);
  const announced = wholeNumber(c.req.header('content-length'), 'Content-Length') ?? 0;
  if (announced > maxBytes) throw tooLarge(announced);
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const piece of piecesOf(c)) {
    total += piece.length;
    if (total > maxBytes) throw tooLarge(total);
    parts.push(piece);
  }
  return join(Uint8Array, parts);
}

/**
 * Reads a body of JSON; an empty body is an empty object. @throws RN814 if it does not have the form of
 * `schema`
 */
export async function jsonOf<T extends v.GenericSchema>(
  c: Context,
  schema: T,
  maxBytes = maxJsonBytes,
): Promise<v.InferOutput<T>> {
  const bytes = await bodyOf(c, maxBytes);
  let value: unknown;
  try {
    value = bytes.length === 0 ? {} : JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw badRequest('the body is not JSON', c.req.path, (error as Error).message);
  }
  const found = v.safeParse(schema, value);
  if (found.success) return found.output;
  throw badRequest('the body has a field that is not valid', c.req.path, v.summarize(found.issues).replace(/\n\s*/g, ' '));
}

/** Returns a whole number between 1 and `max` of a query. @throws RN814 */
export function counted(text: string | undefined, name: string, normal: number, max: number): number {
  const value = wholeNumber(text, `query, ${name}`) ?? normal;
  if (value >= 1 && value <= max) return value;
  throw badRequest(`${name} is out of range`, `query, ${name}`, `it is ${value}, and the range is 1 to ${max}`);
}

/**
 * Returns the offset of an upload's piece, or undefined if the request has none. It comes from Upload-Offset:
 * 0 (tus), or Content-Range: 0-1023 or bytes 0-1023/4096 (OCI).
 * @throws RN814
 */
export function pieceStart(c: Context): number | undefined {
  const offset = wholeNumber(c.req.header('upload-offset'), 'Upload-Offset');
  const range = c.req.header('content-range');
  if (offset !== undefined || range === undefined) return offset;
  const start = /^(?:bytes )?(\d+)-\d+(?:\/(?:\d+|\*))?$/.exec(range)?.[1];
  if (start === undefined) throw badRequest('this is not a range', 'Content-Range', JSON.stringify(range.slice(0, 40)));
  return Number(start);
}
