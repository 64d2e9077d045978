/**
 * tfliteInText: a TensorFlow Lite file that is written as an array of C.
 *
 * In: the text of a source file, as xxd -i, Edge Impulse and the examples of TensorFlow Lite Micro write it.
 * Out: the file's bytes, or nothing. The array that is read has TensorFlow Lite's identifier as its bytes 4
 * to 7. Cost: one pass over the text.
 */
import { latin1 } from '../graph/base64.ts';

/** Bytes of `TFL3` behind four others, after the brace that opens the array. */
const start = /\{\s*(?:(?:\/\*[^*]*\*\/|\/\/[^\n]*)\s*)?(?:0x[0-9a-f]{1,2}\s*,\s*){4}0x54\s*,\s*0x46\s*,\s*0x4c\s*,\s*0x33\s*,/i;

/** One byte of an array. */
const byte = /\s*0x([0-9a-f]{1,2})\s*(?:,|(?=\}))/iy;
/** Where the array may begin. A choice: source files have a licence and some declarations before it. */
const headBytes = 1 << 16;
/** Text of an array that is read. A choice: a model of 10 MB takes six bytes of text for each of its own. */
const mostText = 1 << 26;

export function tfliteInText(text: Uint8Array): Uint8Array | undefined {
  const found = text.length <= mostText ? start.exec(latin1(text.subarray(0, headBytes))) : null;
  if (!found) return undefined;
  const whole = latin1(text);
  const bytes = new Uint8Array(Math.ceil(text.length / 3));
  let count = 0;
  byte.lastIndex = found.index + found[0].search(/0x/i);
  for (let end = byte.lastIndex; ; end = byte.lastIndex) {
    const match = byte.exec(whole);
    if (!match) return /^\s*\}/.test(whole.slice(end, end + 200)) ? bytes.slice(0, count) : undefined;
    bytes[count++] = Number.parseInt(match[1] as string, 16);
  }
}
