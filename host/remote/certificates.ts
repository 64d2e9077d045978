/**
 * Certificates and keys of TLS, looked at before they are used, so that a wrong file is told by its option
 * and not by a handshake that fails.
 *
 * In: bytes of PEM files, each with the option that named it.  Out: the same, or RN866. A certificate whose
 * key stands in the same file needs no other one.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { RunletError } from '../../models/error.ts';

/** What TLS takes, in PEM. */
export interface TlsParts {
  /** Those that the other side's certificate is held against. */
  ca?: Uint8Array;
  /** The own one first, then those between it and its CA. */
  cert?: Uint8Array;
  key?: Uint8Array;
}

/** The option (and file) of each part, for messages. */
export type TlsNames = { [K in keyof TlsParts]-?: string };

const blocks = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

const unusable = (what: string, where: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN866', { what, where, why, tryThis });

/** The first certificate of a file, once all of them could be read. @throws RN866 */
function certificatesOf(bytes: Uint8Array, where: string): X509Certificate {
  const found = new TextDecoder().decode(bytes).match(blocks) ?? [];
  const wrong = (why: string) =>
    unusable('this is no certificate', where, why, 'a PEM file, which begins with -----BEGIN CERTIFICATE-----');
  if (found.length === 0) throw wrong('no certificate in PEM stands in it');
  const parsed = found.map((text) => {
    try {
      return new X509Certificate(text);
    } catch (error) {
      throw wrong((error as Error).message);
    }
  });
  return parsed[0] as X509Certificate;
}

/** @throws RN866 */
function checkKey(key: Uint8Array, certificate: X509Certificate, names: TlsNames): void {
  let parsed: ReturnType<typeof createPrivateKey>;
  try {
    parsed = createPrivateKey(Buffer.from(key));
  } catch (error) {
    const { message, code } = error as { message: string; code?: string };
    const locked = code === 'ERR_MISSING_PASSPHRASE' || /passphrase|interrupted or cancelled/i.test(message);
    const tryThis = locked ? 'openssl pkey -in KEY -out PLAIN, in a place that others cannot read' : 'the PEM file of the key';
    throw unusable('this is no key', names.key, locked ? 'it is protected by a passphrase' : message, tryThis);
  }
  if (!certificate.checkPrivateKey(parsed))
    throw unusable(
      'certificate and key do not belong together',
      `${names.cert}, ${names.key}`,
      'the public key of the certificate is another one',
      'the key that the certificate was made with; the own certificate is the first in its file',
    );
}

/**
 * Checks what was given for one side of a connection.
 * @returns the parts as TLS takes them @throws RN866
 */
export function checkTls({ ca, cert, key = cert }: TlsParts, names: TlsNames): TlsParts {
  if (ca) certificatesOf(ca, names.ca);
  if (!cert && key)
    throw unusable('this key has no certificate', names.key, `${names.cert} is missing`, `${names.cert} FILE beside it`);
  if (cert && key) checkKey(key, certificatesOf(cert, names.cert), key === cert ? { ...names, key: names.cert } : names);
  const buffer = (bytes?: Uint8Array) => bytes && Buffer.from(bytes);
  try {
    createSecureContext({ ca: buffer(ca), cert: buffer(cert), key: buffer(key) });
  } catch (error) {
    const where = [cert && names.cert, ca && names.ca].filter(Boolean).join(', ');
    throw unusable(
      'TLS does not take these',
      where,
      (error as Error).message,
      'certificates with keys of RSA 2048, P-256 or more',
    );
  }
  return { ca, cert, key };
}

/** What a certificate's dates say today; nothing where it is valid. */
export function validityNote(cert: Uint8Array, now = new Date()): string | undefined {
  const { validFrom, validTo } = certificatesOf(cert, 'certificate');
  if (new Date(validTo) < now) return `it expired on ${validTo}`;
  return new Date(validFrom) > now ? `it is valid from ${validFrom} on; is the clock right?` : undefined;
}
