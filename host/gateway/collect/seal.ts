/**
 * Seal: the bytes of a file on the disk, with a checksum, or encrypted with a key.
 *
 * In: bytes, the file's place.  Out: sealed bytes, and back.  Errors: RN740 for a bad key, RN877.
 * Rule: with a key the bytes are encrypted with AES-256-GCM (NIST SP 800-38D) under a new random nonce of 96
 * bits. The place is authenticated too, so a file that was moved to another place is refused. Below 2^32
 * files for one key a nonce practically never repeats.
 *
 *     plain       "runlet-window 1\n"; 16 bytes of the SHA-256 of place and bytes; bytes
 *     encrypted   "runlet-window 2\n"; nonce of 12 bytes; tag of 16 bytes; bytes
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { RunletError } from '../../../models/error.ts';
import { unreadable } from './record.ts';

const cipher = 'aes-256-gcm';
const magicOf = (version: 1 | 2): Uint8Array => new TextEncoder().encode(`runlet-window ${version}\n`);
const [magicBytes, nonceBytes, checkBytes] = [16, 12, 16];

/** Returns the number of bytes that the seal adds. */
export const sealBytes = (key: Uint8Array | undefined): number => magicBytes + checkBytes + (key ? nonceBytes : 0);

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const checkOf = (place: string, bytes: Uint8Array): Uint8Array =>
  createHash('sha256').update(`${place}\n`).update(bytes).digest().subarray(0, checkBytes);

export function seal(bytes: Uint8Array, place: string, key?: Uint8Array): Uint8Array {
  if (!key) return joined(magicOf(1), checkOf(place, bytes), bytes);
  const nonce = randomBytes(nonceBytes);
  const encrypt = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(place));
  const secret = Buffer.concat([encrypt.update(bytes), encrypt.final()]);
  return joined(magicOf(2), nonce, encrypt.getAuthTag(), secret);
}

/** @throws RN877 if the bytes were changed, belong to another place, or need another key */
export function unseal(file: Uint8Array, place: string, key?: Uint8Array): Uint8Array {
  const begins = (magic: Uint8Array) => magic.every((byte, i) => file[i] === byte);
  if (begins(magicOf(1))) {
    const bytes = file.subarray(magicBytes + checkBytes);
    const found = file.subarray(magicBytes, magicBytes + checkBytes);
    if (checkOf(place, bytes).every((byte, i) => byte === found[i])) return bytes;
    throw unreadable(place, 'its checksum does not match');
  }
  if (!begins(magicOf(2)) || file.length < sealBytes(new Uint8Array()))
    throw unreadable(place, 'it is not a file of a collection');
  if (!key) throw unreadable(place, 'it is encrypted, and the gateway has no key');
  const at = magicBytes + nonceBytes;
  try {
    const decrypt = createDecipheriv(cipher, key, file.subarray(magicBytes, at), { authTagLength: checkBytes });
    decrypt.setAAD(Buffer.from(place)).setAuthTag(file.subarray(at, at + checkBytes));
    return joined(decrypt.update(file.subarray(at + checkBytes)), decrypt.final());
  } catch {
    throw unreadable(place, 'it was encrypted with another key, or was changed');
  }
}

/**
 * Reads a key: 32 bytes as 64 hex digits. @param where the file or the variable, for the error. @throws RN740
 */
export function keyOf(text: string, where: string): Uint8Array {
  if (/^[0-9a-f]{64}$/i.test(text.trim())) return new Uint8Array(Buffer.from(text.trim(), 'hex'));
  throw new RunletError('RN740', {
    what: 'this is not a key for collected windows',
    where,
    why: 'a key is 64 hex digits (256 bits)',
    tryThis: 'openssl rand -hex 32 > FILE',
  });
}
