/**
 * Ed25519 keys: their files, their ids, new pairs. Uses WebCrypto, so that browsers can too.
 *
 * In: the bytes of a key file: PEM (PKCS #8 for secret keys, SPKI for public keys, RFC 8410; a file may have
 * several public keys), or wasmsign2's raw form (0x81, seed, public key; 0x01, public key).  Out: keys.  A
 * key's id: the first 12 bytes of HMAC-SHA256 over "key_id", keyed with the public key, as in wasmsign2.
 */

import { RunletError } from '../../models/error.ts';
import { latin1 } from '../../models/graph/base64.ts';

/** 32 bytes. */
export type PublicKey = Uint8Array;
/** The seed of 32 bytes, and the public key that is derived from it. */
export interface KeyPair {
  seed: Uint8Array;
  publicKey: PublicKey;
}

/** The DER bytes in front of the 32 bytes of a key (RFC 8410, sections 4 and 7). */
const derOf = { 'PRIVATE KEY': '302e020100300506032b657004220420', 'PUBLIC KEY': '302a300506032b6570032100' } as const;
type Kind = keyof typeof derOf;

export const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const bytesOfHex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

export const join = (...parts: (Uint8Array | ArrayLike<number>)[]): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

const subtle = (): SubtleCrypto => globalThis.crypto.subtle;
const ed25519 = { name: 'Ed25519' } as const;

/** Returns the DER bytes of each PEM block of a kind; empty if the block is not base64. */
function blocks(file: Uint8Array, kind: Kind): Uint8Array[] {
  const text = new TextDecoder().decode(file);
  const found = text.matchAll(new RegExp(`-----BEGIN ${kind}-----([A-Za-z0-9+/=\\s]*)-----END ${kind}-----`, 'g'));
  return [...found].map(([, base64]) => {
    try {
      return Uint8Array.from(atob((base64 as string).replace(/\s/g, '')), (c) => c.charCodeAt(0));
    } catch {
      return new Uint8Array();
    }
  });
}

/** wasmsign2's files: their first byte and their length. */
const secretForm = { first: 0x81, bytes: 65 };
const publicForm = { first: 0x01, bytes: 33 };

/** Returns the 32 bytes of each key in a file; undefined if the file, or one key in it, has another form. */
function read(file: Uint8Array, kind: Kind, raw: typeof secretForm): Uint8Array[] | undefined {
  if (file.length === raw.bytes && file[0] === raw.first) return [Uint8Array.from(file.subarray(1, 33))];
  const der = blocks(file, kind);
  const prefix = derOf[kind];
  const good = der.every((bytes) => bytes.length === prefix.length / 2 + 32 && hexOf(bytes).startsWith(prefix));
  return der.length > 0 && good ? der.map((bytes) => bytes.slice(-32)) : undefined;
}

const noKey = (what: string, where: string): RunletError =>
  new RunletError('RN611', {
    what: `this is not a file with ${what} Ed25519 key`,
    where,
    why: "it is neither PEM of RFC 8410 nor wasmsign2's form",
    tryThis: 'make a pair of keys with `runlet keygen`, and give the secret one to sign and the public one to verify',
  });

/** Returns the public keys of a file. @throws RN611 */
export function readPublicKeys(file: Uint8Array, where = 'key file'): PublicKey[] {
  const keys = read(file, 'PUBLIC KEY', publicForm);
  if (!keys) throw noKey('a public', where);
  return keys;
}

const secretKey = (seed: Uint8Array): Promise<CryptoKey> =>
  subtle().importKey('pkcs8', join(bytesOfHex(derOf['PRIVATE KEY']), seed), ed25519, true, ['sign']);

async function pairOf(seed: Uint8Array): Promise<KeyPair> {
  const { x } = await subtle().exportKey('jwk', await secretKey(seed));
  const base64 = (x as string).replace(/-/g, '+').replace(/_/g, '/');
  return { seed, publicKey: Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)) };
}

/** Returns the secret key of a file, with its public key. @throws RN611 */
export async function readSecretKey(file: Uint8Array, where = 'key file'): Promise<KeyPair> {
  const [seed, ...others] = read(file, 'PRIVATE KEY', secretForm) ?? [];
  if (!seed || others.length > 0) throw noKey('a secret', where);
  return pairOf(seed);
}

/** Returns a new pair, from the system's random numbers. */
export const newKeyPair = (): Promise<KeyPair> => pairOf(globalThis.crypto.getRandomValues(new Uint8Array(32)));

function pem(key: Uint8Array, kind: Kind): string {
  const base64 = btoa(latin1(join(bytesOfHex(derOf[kind]), key)));
  return `-----BEGIN ${kind}-----\n${base64}\n-----END ${kind}-----\n`;
}
export const secretPem = ({ seed }: KeyPair): string => pem(seed, 'PRIVATE KEY');
export const publicPem = ({ publicKey }: Pick<KeyPair, 'publicKey'>): string => pem(publicKey, 'PUBLIC KEY');

/** Key files in wasmsign2's raw form. */
export const secretRaw = ({ seed, publicKey }: KeyPair): Uint8Array => join([secretForm.first], seed, publicKey);
export const publicRaw = ({ publicKey }: Pick<KeyPair, 'publicKey'>): Uint8Array => join([publicForm.first], publicKey);

/** Returns the id of a public key, 12 bytes. */
export async function keyId(key: PublicKey): Promise<Uint8Array> {
  const mac = await subtle().importKey('raw', key as BufferSource, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await subtle().sign('HMAC', mac, new TextEncoder().encode('key_id'))).slice(0, 12);
}

export const signMessage = async ({ seed }: KeyPair, message: BufferSource): Promise<Uint8Array> =>
  new Uint8Array(await subtle().sign(ed25519, await secretKey(seed), message));

export async function verifyMessage(key: PublicKey, message: BufferSource, signature: BufferSource): Promise<boolean> {
  const imported = await subtle().importKey('raw', key as BufferSource, ed25519, false, ['verify']);
  return subtle().verify(ed25519, imported, signature, message);
}
