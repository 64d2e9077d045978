/**
 * Parses JSON of untrusted files within bounds.
 *
 * In: bytes and the largest number of bytes.  Out: the value, or an Error with the reason.
 * Rule: three bytes of JSON (`{},`) take about 60 bytes of memory, so a limit of the length does not bound
 * the memory. The number of values is limited too: brackets, braces, commas and colons are counted before
 * parsing, also those inside strings (base64 has none).  Cost: one pass over the bytes.
 */

import * as v from 'valibot';

/**
 * Largest number of values in a file, field names included. A choice: the largest real models have about
 * 10,000; a million take about 100 MB of memory.
 */
const jsonValueLimit = 1_000_000;

const isSeparator = new Uint8Array(256);
for (const letter of '[{,:') isSeparator[letter.charCodeAt(0)] = 1;

/** The file exceeds the limit of bytes or values. */
export class JsonTooLarge extends Error {}

/** @throws JsonTooLarge, or another Error if the bytes are not UTF-8 or not JSON */
export function boundedJson(bytes: Uint8Array, limitBytes: number): unknown {
  if (bytes.length > limitBytes) throw new JsonTooLarge(`it has ${bytes.length} bytes, at most ${limitBytes} are read`);
  let values = 1;
  for (let i = 0; i < bytes.length; i++) values += isSeparator[bytes[i] as number] as number;
  if (values > jsonValueLimit) throw new JsonTooLarge(`it has ${values} values, at most ${jsonValueLimit} are read`);
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}

/**
 * Returns the value of a JSON text after checking it against a schema.
 * @param whole name of the text, for errors that concern no field  @param wrong makes the error for a reason
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
