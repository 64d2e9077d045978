/**
 * SHA-256 with WebCrypto.
 *
 * In: bytes.  Out: the digest in lower-case hex.
 * Errors: RN714 without WebCrypto, which browsers provide only to pages from https: or localhost.
 */
import { RunletError } from '../../models/error.ts';

/** Returns the SHA-256 of `bytes` in hex. @throws RN714 */
export async function sha256(bytes: BufferSource): Promise<string> {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle)
    throw new RunletError('RN714', {
      what: 'there is no WebCrypto here',
      where: 'globalThis.crypto.subtle',
      why: 'browsers provide it only to pages from https: or localhost',
      tryThis: 'serve the page over https',
    });
  const hash = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
