/**
 * JSON of a file that nobody vouches for, within bounds.
 *
 * In: bytes and the largest numbers of bytes and values.  Out: the value, or an Error with the reason.
 * Rule: three bytes of JSON (`{},`) become some sixty of memory, so the length alone does not bound it.
 * Brackets, braces, commas and colons are counted before anything is parsed; those inside of strings count as
 * well, and base64 has none.  Cost: one pass over the bytes.
 */

import * as v from 'valibot';

/**
 * Values of a file, names of fields included. A choice: the largest real models have some ten thousand; a
 * million take about 100 MB.
 */
export const jsonValueLimit = 1_000_000;

const isSeparator = new Uint8Array(256);
for (const letter of '[{,:') isSeparator[letter.charCodeAt(0)] = 1;

/** More bytes or values than are read. */
export class JsonTooLarge extends Error {}

/** @throws JsonTooLarge, or another Error where it is no UTF-8 or no JSON */
export function boundedJson(bytes: Uint8Array, limitBytes: number): unknown {
  if (bytes.length > limitBytes) throw new JsonTooLarge(`it has ${bytes.length} bytes, at most ${limitBytes} are read`);
  let values = 1;
  for (let i = 0; i < bytes.length; i++) values += isSeparator[bytes[i] as number] as number;
  if (values > jsonValueLimit) throw new JsonTooLarge(`it has ${values} values, at most ${jsonValueLimit} are read`);
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}

/**
 * The value of a JSON text that fits a schema.
 * @param wrong the error for a reason. @param whole what the text is called where no field is to blame.
 */
export function checkedJson<S extends v.GenericSchema>(
  json: string,
  schema: S,
  whole: string,
  wrong: (why: string) => Error,
): v.InferOutput<S> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw wrong((error as Error).message);
  }
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw wrong(`${v.getDotPath(issue) ?? whole}: ${issue.message}`);
}
