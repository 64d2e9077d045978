/**
 * JSON of a file that nobody vouches for, within bounds.
 *
 * In: bytes and the largest numbers of bytes and values.  Out: the value, or an Error with the reason.
 * Rule: three bytes of JSON (`{},`) become some sixty of memory, so the length alone does not bound it. Brackets, braces, commas and colons are counted
 * before anything is parsed; those inside of strings count as well, and base64 has none.  Cost: one pass over the bytes.
 */

/** Values of a file, names of fields included. A choice: the largest real models have some ten thousand; a million take about 100 MB. */
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
