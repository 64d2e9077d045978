/**
 * Converts bytes to base64 text and back (RFC 4648, section 4), in Node and in browsers.
 *
 * In: a view of bytes, or valid base64 text.  Out: text, or bytes with their own buffer.
 */

/**
 * Returns one character per byte. It works in pieces, because the number of arguments of a call is limited.
 */
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
