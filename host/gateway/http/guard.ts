/**
 * Who may come in, and how often.
 *
 * In: a request's headers and address.  Out: nothing, or RN811, RN812. The token is compared in constant time, and is never taken from an address, which logs
 * and histories keep; a bucket for each address fills at a rate.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { RunletError } from '../../../models/error.ts';

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** @throws RN811 */
function compare(given: string | undefined, token: string, where: string): void {
  if (given !== undefined && timingSafeEqual(sha256(given), sha256(token))) return;
  throw new RunletError('RN811', {
    what: given === undefined ? 'this gateway wants a token' : 'the token is not the right one',
    where,
    tryThis: '--token-file with the file that the gateway was started with',
  });
}

/** `Authorization: Bearer TOKEN`. @throws RN811 */
export function checkToken(header: string | undefined, token: string | undefined): void {
  if (token !== undefined) compare(/^Bearer +(\S+) *$/i.exec(header ?? '')?.[1], token, 'Authorization');
}

/** What a socket speaks, and what carries its token: base64url (RFC 4648, 5, no padding) of its UTF-8 after the dot. */
export const socketProtocol = 'runlet.v1';
const bearerProtocol = 'runlet.bearer.';

const offeredProtocols = (header: string | undefined): string[] =>
  (header ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** The subprotocols that a client offers which can set no header, such as a browser. */
export const protocolsFor = (token: string): string[] => [
  socketProtocol,
  `${bearerProtocol}${Buffer.from(token).toString('base64url')}`,
];

/**
 * The token of a WebSocket: `Authorization`, or else one subprotocol that carries it, beside the one that is spoken.
 * @throws RN811
 */
export function checkSocketToken(headers: { authorization?: string; protocols?: string }, token: string | undefined): void {
  if (token === undefined) return;
  const offered = offeredProtocols(headers.protocols);
  const carriers = offered.filter((one) => one.startsWith(bearerProtocol));
  if (headers.authorization !== undefined || carriers.length === 0) checkToken(headers.authorization, token);
  else {
    const [carrier = ''] = carriers;
    const given = Buffer.from(carrier.slice(bearerProtocol.length), 'base64url').toString();
    const plain = carriers.length === 1 && offered.includes(socketProtocol);
    compare(plain ? given : undefined, token, 'Sec-WebSocket-Protocol');
  }
}

const mostAddresses = 4096;

/** A bucket for each address: `burst` requests at once, `perMinute` over time. */
export class RateLimit {
  #burst: number;
  #perMinute: number;
  #now: () => number;
  #buckets = new Map<string, { left: number; atMs: number }>();

  constructor(perMinute: number, burst = perMinute, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute;
    this.#burst = burst;
    this.#now = now;
  }

  /** @throws RN812 */
  take(address: string): void {
    const now = this.#now();
    const { left, atMs } = this.#buckets.get(address) ?? { left: this.#burst, atMs: now };
    const filled = Math.min(this.#burst, left + ((now - atMs) * this.#perMinute) / 60_000);
    this.#buckets.delete(address);
    if (this.#buckets.size >= mostAddresses) for (const oldest of this.#buckets.keys()) if (this.#buckets.delete(oldest)) break;
    this.#buckets.set(address, { left: Math.max(0, filled - 1), atMs: now });
    if (filled >= 1) return;
    throw new RunletError('RN812', {
      what: 'too many requests',
      where: address,
      why: `${this.#perMinute} a minute are taken`,
      tryThis: 'wait a little',
    });
  }
}
