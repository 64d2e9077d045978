/**
 * What routes read of a request: its body in pieces or whole, a trial's options, where a piece of an upload
 * begins.
 *
 * In: a request.  Out: the value, or RN814 with what is wrong. A body is held only up to the bound of its
 * route.
 */
import type { Context } from 'hono';
import * as v from 'valibot';
import { join } from '../../../models/lists.ts';
import { trialOptionsSchema } from '../hub/trial-options.ts';
import { badRequest, wholeNumber } from './problem.ts';

/** Frames of one request. */
export const mostFrameBytes = 1 << 20;
const mostJsonBytes = 4096;

export async function* piecesOf(c: Context): AsyncGenerator<Uint8Array> {
  const { body } = c.req.raw;
  if (body) for await (const piece of body) yield piece;
}

/** A request's body, which is refused before it is read where it says that it is too large. @throws RN814 */
export async function bodyOf(c: Context, most: number): Promise<Uint8Array> {
  const tooLarge = (bytes: number) => badRequest('the request is too large', c.req.path, `${bytes} bytes, and ${most} are taken`);
  const said = wholeNumber(c.req.header('content-length'), 'Content-Length') ?? 0;
  if (said > most) throw tooLarge(said);
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const piece of piecesOf(c)) {
    total += piece.length;
    if (total > most) throw tooLarge(total);
    parts.push(piece);
  }
  return join(Uint8Array, parts);
}

/** @throws RN814 */
export async function trialOptions(c: Context): Promise<v.InferOutput<typeof trialOptionsSchema>> {
  const bytes = await bodyOf(c, mostJsonBytes);
  if (bytes.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw badRequest('the body is not JSON', c.req.path, (error as Error).message);
  }
  const found = v.safeParse(trialOptionsSchema, value);
  if (found.success) return found.output;
  throw badRequest('the body has a field that is of no use', c.req.path, v.summarize(found.issues).replace(/\n\s*/g, ' '));
}

/**
 * Where a piece begins: Upload-Offset: 0 (tus), or Content-Range: 0-1023 or bytes 0-1023/4096 (OCI). @throws
 * RN814
 */
export function pieceStart(c: Context): number | undefined {
  const offset = wholeNumber(c.req.header('upload-offset'), 'Upload-Offset');
  const range = c.req.header('content-range');
  if (offset !== undefined || range === undefined) return offset;
  const start = /^(?:bytes )?(\d+)-\d+(?:\/(?:\d+|\*))?$/.exec(range)?.[1];
  if (start === undefined) throw badRequest('this is no range', 'Content-Range', JSON.stringify(range.slice(0, 40)));
  return Number(start);
}
