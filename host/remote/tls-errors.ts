/**
 * Explains a failed TLS connection: which side refused which certificate, or that one side used HTTP and the
 * other HTTPS.
 *
 * In: an error of a socket, and the progress of the connection.  Out: RN867, RN868 or RN869 with advice;
 * undefined for any other error.
 * Source: error names of OpenSSL (X509_verify_cert_error_string) and of Node's TLS.
 */
import { RunletError } from '../../models/error.ts';

export interface Attempt {
  url: URL;
  /** True if the handshake was complete on this side, while the other side still checks the certificate. */
  secured: boolean;
  /** True if this side sent a certificate. */
  shown: boolean;
}

const distrust =
  /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_INVALID)/;
const ends = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

/** Returns true if this side does not trust the other side's certificate. */
export const isDistrust = (error: unknown): boolean => distrust.test((error as { code?: string } | undefined)?.code ?? '');

function whatToTry(code: string): string {
  if (code === 'CERT_HAS_EXPIRED') return 'give the gateway a new certificate (--tls-cert), or set the clock';
  if (code === 'CERT_NOT_YET_VALID') return "set this machine's clock";
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH')
    return 'use a name or address that the certificate contains';
  return 'use --tls-ca with the certificate of the CA that signed it';
}

/** Returns the TLS error of a failed connection, or undefined for any other error. */
export function tlsFailure(error: NodeJS.ErrnoException, { url, secured, shown }: Attempt): RunletError | undefined {
  if (url.protocol !== 'https:') return undefined;
  const { code = '', message } = error;
  if (isDistrust(error))
    return new RunletError('RN867', {
      what: "the gateway's certificate is not trusted",
      where: url.origin,
      why: `${message} (${code})`,
      tryThis: whatToTry(code),
    });
  const noTls = /wrong version number|packet length too long|http request|unknown protocol/i.exec(message)?.[0];
  if (noTls)
    return new RunletError('RN869', {
      what: 'this port does not use HTTPS',
      where: url.origin,
      why: `its first bytes are not TLS (${noTls})`,
      tryThis: `use ${url.origin.replace('https:', 'http:')}, or the port of a gateway with --tls-cert`,
    });
  const alert = /\balert ([a-z ]+?)(?=:|$)/.exec(message)?.[1];
  if (alert === undefined && !(secured && ends.has(code))) return undefined;
  return new RunletError('RN868', {
    what: shown ? "the gateway refuses this side's certificate" : 'the gateway requires a certificate',
    where: url.origin,
    why: alert
      ? `it says: ${alert}`
      : 'it closed the connection after it got the certificate: it has expired, or is not from the CA of the gateway',
    tryThis: shown
      ? "use --tls-cert and --tls-key from the gateway's --client-ca; its log says what is wrong with this certificate"
      : "use --tls-cert and --tls-key from the gateway's --client-ca",
  });
}
