/**
 * What a failed connection says of TLS: whose certificate was refused, and by whom, or that one side spoke
 * HTTP and the other HTTPS.
 *
 * In: an error of a socket, and how far the connection had come.  Out: RN867, RN868 or RN869 with what to
 * try; undefined for all else. Names of errors: OpenSSL's of X509_verify_cert_error_string, and Node's of
 * TLS.
 */
import { RunletError } from '../../models/error.ts';

export interface Attempt {
  url: URL;
  /** The handshake was over on this side, so the other side had yet to look at this side's certificate. */
  secured: boolean;
  /** An own certificate was shown. */
  shown: boolean;
}

const distrust =
  /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_INVALID)/;
const ends = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

/** This side does not trust the other one's certificate. */
export const isDistrust = (error: unknown): boolean => distrust.test((error as { code?: string }).code ?? '');

function whatToTry(code: string): string {
  if (code === 'CERT_HAS_EXPIRED') return 'a new certificate at the gateway (--tls-cert), or set the clock';
  if (code === 'CERT_NOT_YET_VALID') return "set this machine's clock";
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') return 'a name or address that stands in it';
  return '--tls-ca with the certificate of the CA that signed it';
}

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
      what: 'this port does not speak HTTPS',
      where: url.origin,
      why: `its first bytes are none of TLS (${noTls})`,
      tryThis: `${url.origin.replace('https:', 'http:')}, or the port of a gateway with --tls-cert`,
    });
  const alert = /\balert ([a-z ]+?)(?=:|$)/.exec(message)?.[1];
  if (alert === undefined && !(secured && ends.has(code))) return undefined;
  return new RunletError('RN868', {
    what: shown ? "the gateway refuses this side's certificate" : 'the gateway wants a certificate',
    where: url.origin,
    why: alert
      ? `it says: ${alert}`
      : 'it ended the connection when it had seen the certificate: expired, or of a CA that is not its own',
    tryThis: shown
      ? '--tls-cert and --tls-key of the CA that the gateway has as --client-ca; its log says what is wrong with this one'
      : '--tls-cert and --tls-key of the CA that the gateway has as --client-ca',
  });
}
