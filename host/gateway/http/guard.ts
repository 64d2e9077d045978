/**
 * Checks tokens, and limits the rate of requests per address (door.ts uses both).
 *
 * In: a request's headers and address.  Errors: RN811, RN812.
 * Rule: the token is compared in constant time. It is never read from a URL, because logs and histories store
 * URLs. Each address has a token bucket. Cost: at most 4,096 addresses are stored.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { RunletError } from '../../../models/error.ts';

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares a token in constant time. @throws RN811 */
function compare(given: string | undefined, token: string, where: string): void {
  if (given !== undefined && timingSafeEqual(sha256(given), sha256(token))) return;
  throw new RunletError('RN811', {
    what: given === undefined ? 'this gateway requires a token' : 'the token is wrong',
    where,
    tryThis: 'use --token-file with the token file of the gateway, by default `token` in its state folder',
  });
}

/**
 * The WebSocket subprotocol, and the prefix of the one that carries the token: after the dot follows the
 * token's UTF-8 in base64url (RFC 4648, 5, no padding).
 */
export const socketProtocol = 'runlet.v1';
const bearerProtocol = 'runlet.bearer.';

const offeredProtocols = (header: string | undefined): string[] =>
  (header ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** Returns the subprotocols for a client that cannot set headers, such as a browser. */
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
 * Checks the token of a request: `Authorization: Bearer TOKEN`, or, of a WebSocket, one subprotocol with the
 * token in addition to `runlet.v1`.
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

/** Returns the key of a rate limit: an IPv4 address, or the /64 network of a subscriber's IPv6 address. */
export function addressKey(address: string): string {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  if (!v4.includes(':')) return v4;
  const [head = '', tail = ''] = (v4.split('%')[0] as string).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const zeros = Array.from({ length: Math.max(0, 8 - groups(head).length - groups(tail).length) }, () => '0');
  return [...groups(head), ...zeros, ...groups(tail)].slice(0, 4).join(':');
}

const maxAddresses = 4096;

/** Token buckets per address: at most `burst` requests at once, and `perMinute` on average. */
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

  /** Checks the limit without counting a request. @throws RN812 */
  check(address: string): void {
    if (this.#left(address) >= 1) return;
    throw new RunletError('RN812', {
      what: 'too many requests',
      where: address,
      why: `the limit is ${this.#perMinute} per minute`,
      tryThis: 'wait, and try again',
    });
  }

  /** Counts a request. @throws RN812 */
  take(address: string): void {
    const filled = this.#left(address);
    this.#buckets.delete(address);
    if (this.#buckets.size >= maxAddresses) for (const oldest of this.#buckets.keys()) if (this.#buckets.delete(oldest)) break;
    this.#buckets.set(address, { left: Math.max(0, filled - 1), atMs: this.#now() });
    if (filled < 1) this.check(address);
  }
}
