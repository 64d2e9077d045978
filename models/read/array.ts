/**
 * tfliteInText: extracts a TensorFlow Lite file from a source file that holds it as a C array.
 *
 * In: the text of a source file, as xxd -i, Edge Impulse and the examples of TensorFlow Lite Micro write it.
 * Out: the file's bytes, or undefined. Only an array with the identifier `TFL3` in bytes 4 to 7 is read.
 * Cost: one pass over the text.
 */
import { latin1 } from '../graph/base64.ts';

/** The opening brace of an array, then four bytes and the bytes of `TFL3`. */
const start = /\{\s*(?:(?:\/\*[^*]*\*\/|\/\/[^\n]*)\s*)?(?:0x[0-9a-f]{1,2}\s*,\s*){4}0x54\s*,\s*0x46\s*,\s*0x4c\s*,\s*0x33\s*,/i;

/** One byte of the array. */
const byte = /\s*0x([0-9a-f]{1,2})\s*(?:,|(?=\}))/iy;
/** Bytes that are searched for the array's start. A choice: a licence and declarations may precede it. */
const headBytes = 1 << 16;
/** Largest source file that is read, in bytes. A choice: a model of 10 MB takes six times as much text. */
const maxTextBytes = 1 << 26;

export function tfliteInText(text: Uint8Array): Uint8Array | undefined {
  const found = text.length <= maxTextBytes ? start.exec(latin1(text.subarray(0, headBytes))) : null;
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
