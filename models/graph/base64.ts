/**
 * Bytes as base64 text and back (RFC 4648, section 4), in Node and in browsers.
 *
 * In: a view of bytes, or text that was checked to be base64.  Out: text, or bytes that own their buffer.
 */

/** One character a byte, in pieces: a call has a limit of arguments. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

export const toBase64 = (view: ArrayBufferView): string =>
  btoa(latin1(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)));

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}
