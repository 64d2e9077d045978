/**
 * SHA-256 over a sequence of parts, by WebCrypto, so that browsers can make bundles too.
 *
 * In: texts (UTF-8) and byte views, in order.  Out: the digest in lower-case hex.  Parts are copied when they
 * are added and joined at the end. Browsers have WebCrypto only in pages from https: or localhost (host/web
 * checks that before it builds).
 */
import { join } from '../../models/lists.ts';

const utf8 = new TextEncoder();

export class Digest {
  #parts: Uint8Array[] = [];

  update(part: string | ArrayBufferView): void {
    this.#parts.push(
      typeof part === 'string' ? utf8.encode(part) : new Uint8Array(part.buffer, part.byteOffset, part.byteLength).slice(),
    );
  }

  async hex(): Promise<string> {
    const hash = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', join(Uint8Array, this.#parts) as BufferSource));
    return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}

/** Returns the SHA-256 of one part, in hex. */
export async function sha256(part: string | ArrayBufferView): Promise<string> {
  const digest = new Digest();
  digest.update(part);
  return digest.hex();
}
