/**
 * Door: decides whether a request is admitted, before any other code handles it. This is the only such place,
 * for HTTP requests and WebSocket upgrades.
 *
 * In: request line, headers and address of a request.  Out: its URL, and whether it is trusted.
 * Errors: RN811, RN812, RN814, RN841, in order of cost: target, host, origin, token, rate.
 * Rule: no page of another site can read or change anything, even if no token is required. A browser always
 * sends Origin and Sec-Fetch-Site (Fetch Metadata, W3C), and a page whose name is bound to this machine's
 * address (DNS rebinding) sends its own name in Host.
 * Cost: the allocations do not grow with the request.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { RunletError } from '../../../models/error.ts';
import { addressKey, checkToken, RateLimit } from './guard.ts';
import { badRequest } from './problem.ts';

export interface DoorOptions {
  /** Token that requests must have; if undefined, every request is admitted without one. */
  token?: string;
  /** Names that Host may have besides addresses and localhost; none by default. */
  hostNames?: readonly string[];
  /** Limit per address, for wrong tokens and for requests that change something; 600 by default. */
  requestsPerMinute?: number;
}

/** The parts of a request that the door checks. */
export interface Visit {
  method: string;
  /** Request target, the second word of the request line, unchanged. */
  target: string;
  headers: IncomingMessage['headers'];
  /** Number of Host headers. */
  hosts: number;
  address: string;
  /** True if the connection uses TLS. */
  secure: boolean;
}

export interface Admitted {
  url: URL;
  /** True if the token is valid or none is required; the connection then stays open if there are too many. */
  trusted: boolean;
}

/** Pages, which contain no data. A link on another site may open them. */
const pages = new Set(['/', '/label']);
/** Paths without a token: the pages and two health checks. */
const openPaths = new Set([...pages, '/healthz', '/readyz']);
/** Origin-form (RFC 9112, 3.2.1) of visible ASCII, without leading `//` or `/\`, which begin a URL's host. */
const originForm = /^\/(?![/\\])[!-~]*$/;
const maxTargetChars = 4096;

export function visitOf(request: IncomingMessage): Visit {
  const { method = 'GET', url = '', headers, rawHeaders, socket } = request;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === 'host') hosts++;
  const secure = (socket as TLSSocket).encrypted === true;
  return { method, target: url, headers, hosts, address: socket.remoteAddress ?? 'unknown', secure };
}

/** Parses the request target. @throws RN814 */
function targetOf(target: string): URL {
  if (target.length > maxTargetChars)
    throw badRequest(
      'the address is too long',
      'request',
      `it has ${target.length} characters, and the limit is ${maxTargetChars}`,
    );
  const url = originForm.test(target) && URL.canParse(target, 'http://gateway') ? new URL(target, 'http://gateway') : undefined;
  if (url?.host === 'gateway' && wellEscaped(url.pathname)) return url;
  throw badRequest('this is not a valid path', 'request', JSON.stringify(target.slice(0, 40)));
}

function wellEscaped(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

const foreign = (what: string, where: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN841', { what, where, why, tryThis });

const shown = (text: string | undefined): string => JSON.stringify((text ?? '').slice(0, 80));

export class Door {
  readonly #token?: string;
  readonly #hostNames: ReadonlySet<string>;
  readonly #guesses: RateLimit;
  readonly #changes: RateLimit;

  constructor({ token, hostNames = [], requestsPerMinute = 600 }: DoorOptions = {}) {
    this.#token = token;
    this.#hostNames = new Set(['localhost', ...hostNames.map((name) => name.toLowerCase())]);
    this.#guesses = new RateLimit(requestsPerMinute);
    this.#changes = new RateLimit(requestsPerMinute);
  }

  /** Admits a request. @throws RN811, RN812, RN814, RN841 */
  admit(visit: Visit): Admitted {
    const url = targetOf(visit.target);
    this.#checkHost(visit);
    this.#checkOrigin(visit, url);
    const open = openPaths.has(url.pathname);
    if (!open) this.#checkToken(visit);
    const reads = visit.method === 'GET' || visit.method === 'HEAD';
    // frames arrive at the rate of the signal, and streams have their own limit
    if (!reads && !url.pathname.endsWith('/frames')) this.#changes.take(addressKey(visit.address));
    return { url, trusted: this.#token === undefined || !open };
  }

  /** Checks Host. Somebody else may have bound an unknown name to this address. @throws RN814, RN841 */
  #checkHost({ headers: { host }, hosts }: Visit): void {
    if (host === undefined || hosts !== 1)
      throw badRequest('a request must have one Host header', 'Host', `this one has ${hosts}`);
    const parsed = /^[\w.:[\]-]{1,255}$/.test(host) && URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined;
    const name = parsed?.hostname.replace(/^\[(.*)\]$/, '$1') ?? '';
    if (isIP(name) > 0 || this.#hostNames.has(name)) return;
    throw foreign(
      'this gateway does not have that name',
      `Host ${shown(host)}`,
      'only addresses, localhost and the names of --host-name are accepted, so that no page can bind its own name to it',
      'use the address of the gateway, or start it with --host-name NAME',
    );
  }

  /** Checks that no page of another site sends the request. @throws RN841 */
  #checkOrigin({ method, headers, secure }: Visit, { pathname }: URL): void {
    const { origin, host } = headers;
    const site = headers['sec-fetch-site'];
    if (pages.has(pathname) && method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && origin === undefined) return;
    const from = origin !== undefined && URL.canParse(origin) ? new URL(origin) : undefined;
    const scheme = secure ? /^https:$/ : /^https?:$/;
    // parsed, so that both are without the default port of their scheme
    const same = from && scheme.test(from.protocol) && new URL(`${from.protocol}//${host}`).host === from.host;
    if ((origin === undefined || same) && (site === undefined || site === 'same-origin' || site === 'none')) return;
    throw foreign(
      'the request comes from a page of another site',
      origin === undefined ? `Sec-Fetch-Site ${shown(String(site))}` : `Origin ${shown(origin)}`,
      "only the gateway's own page and programs without an Origin header are accepted",
      'open the page of the gateway itself, or use a program',
    );
  }

  /**
   * Checks the token. The rate limit comes first, so that after too many guesses the response does not show
   * whether a guess is right.
   * @throws RN811, RN812
   */
  #checkToken({ headers, address }: Visit): void {
    if (this.#token === undefined) return;
    const key = addressKey(address);
    this.#guesses.check(key);
    try {
      checkToken(headers, this.#token);
    } catch (error) {
      this.#guesses.take(key);
      throw error;
    }
  }
}
