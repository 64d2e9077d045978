/**
 * Tokens, and how often an address may ask (door.ts says when each is looked at).
 *
 * In: a request's headers and address.  Out: nothing, or RN811, RN812. The token is compared in constant
 * time, and is never taken from an address, which logs and histories keep; a bucket for each address fills at
 * a rate. Cost: 4,096 addresses are kept at most.
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
    tryThis: '--token-file with the file that the gateway was started with, or `token` in its state folder',
  });
}

/**
 * What a socket speaks, and what carries its token: base64url (RFC 4648, 5, no padding) of its UTF-8 after
 * the dot.
 */
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

/** Headers that may carry a token. */
export interface TokenHeaders {
  authorization?: string;
  'sec-websocket-protocol'?: string;
}

/**
 * `Authorization: Bearer TOKEN`; or else, of a WebSocket, one subprotocol that carries the token, beside the
 * one that is spoken.
 * @throws RN811
 */
export function checkToken(headers: TokenHeaders, token: string): void {
  const { authorization, 'sec-websocket-protocol': protocols } = headers;
  const offered = offeredProtocols(protocols);
  const carriers = offered.filter((one) => one.startsWith(bearerProtocol));
  if (authorization !== undefined || carriers.length === 0) {
    compare(/^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1], token, 'Authorization');
    return;
  }
  const [carrier = ''] = carriers;
  const given = Buffer.from(carrier.slice(bearerProtocol.length), 'base64url').toString();
  const plain = carriers.length === 1 && offered.includes(socketProtocol);
  compare(plain ? given : undefined, token, 'Sec-WebSocket-Protocol');
}

/** Who shares a limit: an IPv4 address, or the network (/64) that one subscriber of IPv6 has. */
export function addressKey(address: string): string {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  if (!v4.includes(':')) return v4;
  const [head = '', tail = ''] = (v4.split('%')[0] as string).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const zeros = Array.from({ length: Math.max(0, 8 - groups(head).length - groups(tail).length) }, () => '0');
  return [...groups(head), ...zeros, ...groups(tail)].slice(0, 4).join(':');
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

  #left(address: string): number {
    const now = this.#now();
    const { left, atMs } = this.#buckets.get(address) ?? { left: this.#burst, atMs: now };
    return Math.min(this.#burst, left + ((now - atMs) * this.#perMinute) / 60_000);
  }

  /** Takes nothing. @throws RN812 */
  check(address: string): void {
    if (this.#left(address) >= 1) return;
    throw new RunletError('RN812', {
      what: 'too many requests',
      where: address,
      why: `${this.#perMinute} a minute are taken`,
      tryThis: 'wait a little',
    });
  }

  /** @throws RN812 */
  take(address: string): void {
    const filled = this.#left(address);
    this.#buckets.delete(address);
    if (this.#buckets.size >= mostAddresses) for (const oldest of this.#buckets.keys()) if (this.#buckets.delete(oldest)) break;
    this.#buckets.set(address, { left: Math.max(0, filled - 1), atMs: this.#now() });
    if (filled < 1) this.check(address);
  }
}
