/**
 * Checks TLS certificates and keys before their use, so that an error names the option of the wrong file and
 * does not appear as a failed handshake.
 *
 * In: bytes of PEM files, each with its option.  Out: the same bytes.  Errors: RN866. A certificate and its
 * key may be in one file.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { RunletError } from '../../models/error.ts';

/** PEM files of one side of a TLS connection. */
export interface TlsParts {
  /** CA certificates that verify the other side's certificate. */
  ca?: Uint8Array;
  /** This side's certificate first, then the intermediate certificates. */
  cert?: Uint8Array;
  key?: Uint8Array;
}

/** The option (and file) of each part, for messages. */
export type TlsNames = { [K in keyof TlsParts]-?: string };

const blocks = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

const unusable = (what: string, where: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN866', { what, where, why, tryThis });

/** Reads all certificates of a file and returns the first. @throws RN866 */
function certificatesOf(bytes: Uint8Array, where: string): X509Certificate {
  const found = new TextDecoder().decode(bytes).match(blocks) ?? [];
  const wrong = (why: string) =>
    unusable('this is not a certificate', where, why, 'give a PEM file, which begins with -----BEGIN CERTIFICATE-----');
  if (found.length === 0) throw wrong('it contains no PEM certificate');
  const parsed = found.map((text) => {
    try {
      return new X509Certificate(text);
    } catch (error) {
      throw wrong((error as Error).message);
    }
  });
  return parsed[0] as X509Certificate;
}

/** Checks that a key can be read and belongs to the certificate. @throws RN866 */
function checkKey(key: Uint8Array, certificate: X509Certificate, names: TlsNames): void {
  let parsed: ReturnType<typeof createPrivateKey>;
  try {
    parsed = createPrivateKey(Buffer.from(key));
  } catch (error) {
    const { message, code } = error as { message: string; code?: string };
    const locked = code === 'ERR_MISSING_PASSPHRASE' || /passphrase|interrupted or cancelled/i.test(message);
    const tryThis = locked
      ? 'openssl pkey -in KEY -out PLAIN, in a folder that others cannot read'
      : 'give the PEM file of the key';
    throw unusable('this is not a usable key', names.key, locked ? 'it is protected by a passphrase' : message, tryThis);
  }
  if (!certificate.checkPrivateKey(parsed))
    throw unusable(
      'certificate and key do not belong together',
      `${names.cert}, ${names.key}`,
      'the certificate contains another public key',
      "give the certificate's key; in the certificate file, the first certificate must be the one of the key",
    );
}

/**
 * Checks the files of one side of a connection. `key` is `cert` by default.
 * @returns the parts for TLS. @throws RN866
 */
export function checkTls({ ca, cert, key = cert }: TlsParts, names: TlsNames): TlsParts {
  if (ca) certificatesOf(ca, names.ca);
  if (!cert && key)
    throw unusable('this key has no certificate', names.key, `${names.cert} is missing`, `also give ${names.cert} FILE`);
  if (cert && key) checkKey(key, certificatesOf(cert, names.cert), key === cert ? { ...names, key: names.cert } : names);
  const buffer = (bytes?: Uint8Array) => bytes && Buffer.from(bytes);
  try {
    createSecureContext({ ca: buffer(ca), cert: buffer(cert), key: buffer(key) });
  } catch (error) {
    const where = [cert && names.cert, ca && names.ca].filter(Boolean).join(', ');
    throw unusable(
      'TLS does not accept these certificates',
      where,
      (error as Error).message,
      'use certificates with keys of at least RSA 2048 or P-256',
    );
  }
  return { ca, cert, key };
}

/** Returns a note if a certificate is not valid at `now` (by default today), else undefined. */
export function validityNote(cert: Uint8Array, now = new Date()): string | undefined {
  const { validFrom, validTo } = certificatesOf(cert, 'certificate');
  if (new Date(validTo) < now) return `it expired on ${validTo}`;
  return new Date(validFrom) > now ? `it is valid from ${validFrom} on; is the clock right?` : undefined;
}
