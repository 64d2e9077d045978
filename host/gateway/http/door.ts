/**
 * The one place that decides whether a request may come in, before anything works on it: HTTP requests and
 * WebSocket upgrades alike.
 *
 * In: the first line, the headers and the address of a request.  Out: its address as a URL, and whether it
 * said the token; or RN811, RN812, RN814, RN841. The order is that of the cost: target, host, origin, token,
 * rate. A browser cannot leave out Origin and Sec-Fetch-Site (Fetch Metadata, W3C), and a page whose name was
 * bound to this machine's address (DNS rebinding) still says its own name in Host: so no page of another site
 * can read or change anything, with or without a token. Cost: no allocation that a request makes larger.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { RunletError } from '../../../models/error.ts';
import { addressKey, checkToken, RateLimit } from './guard.ts';
import { badRequest } from './problem.ts';

export interface DoorOptions {
  /** Requests must carry it; undefined: anybody who reaches the port may come in. */
  token?: string;
  /** Names in Host beside addresses and localhost. */
  hostNames?: readonly string[];
  /** Wrong tokens, and requests that change something, from one address. Default: 600. */
  requestsPerMinute?: number;
}

/** What the door looks at. */
export interface Visit {
  method: string;
  /** The second word of the request, as it came. */
  target: string;
  headers: IncomingMessage['headers'];
  /** Number of Host headers. */
  hosts: number;
  address: string;
  /** Over TLS of our own. */
  secure: boolean;
}

export interface Admitted {
  url: URL;
  /** It said the token, or none is wanted: its connection is kept when there are too many. */
  trusted: boolean;
}

/** What needs no token: the page, which holds no data, and two answers for supervisors. */
const openPaths = new Set(['/', '/healthz', '/readyz']);
/** Origin-form (RFC 9112, 3.2.1) of visible ASCII; `//` and `/\` would begin a host in a URL. */
const originForm = /^\/(?![/\\])[!-~]*$/;
const maxTargetChars = 4096;

export function visitOf(request: IncomingMessage): Visit {
  const { method = 'GET', url = '', headers, rawHeaders, socket } = request;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === 'host') hosts++;
  const secure = (socket as TLSSocket).encrypted === true;
  return { method, target: url, headers, hosts, address: socket.remoteAddress ?? 'unknown', secure };
}

/** @throws RN814 */
function targetOf(target: string): URL {
  if (target.length > maxTargetChars)
    throw badRequest('the address is too long', 'request', `${target.length} characters, and ${maxTargetChars} are taken`);
  const url = originForm.test(target) && URL.canParse(target, 'http://gateway') ? new URL(target, 'http://gateway') : undefined;
  if (url?.host === 'gateway' && wellEscaped(url.pathname)) return url;
  throw badRequest('this is no path of a request', 'request', JSON.stringify(target.slice(0, 40)));
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

  /** @throws RN811, RN812, RN814, RN841 */
  admit(visit: Visit): Admitted {
    const url = targetOf(visit.target);
    this.#checkHost(visit);
    this.#checkOrigin(visit, url);
    const open = openPaths.has(url.pathname);
    if (!open) this.#checkToken(visit);
    const reads = visit.method === 'GET' || visit.method === 'HEAD';
    // frames come at the rate of the signal, and streams shed what is too much
    if (!reads && !url.pathname.endsWith('/frames')) this.#changes.take(addressKey(visit.address));
    return { url, trusted: this.#token === undefined || !open };
  }

  /** A name that is not ours is one that somebody else bound to our address. @throws RN814, RN841 */
  #checkHost({ headers: { host }, hosts }: Visit): void {
    if (host === undefined || hosts !== 1) throw badRequest('a request has one Host header', 'Host', `this one has ${hosts}`);
    const parsed = /^[\w.:[\]-]{1,255}$/.test(host) && URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined;
    const name = parsed?.hostname.replace(/^\[(.*)\]$/, '$1') ?? '';
    if (isIP(name) > 0 || this.#hostNames.has(name)) return;
    throw foreign(
      'this gateway does not know itself by that name',
      `Host ${shown(host)}`,
      'only addresses, localhost and the names of --host-name are taken, so that no page can bind a name of its own to it',
      'the address of the gateway, or start it with --host-name NAME',
    );
  }

  /** @throws RN841 */
  #checkOrigin({ method, headers, secure }: Visit, { pathname }: URL): void {
    const { origin, host } = headers;
    const site = headers['sec-fetch-site'];
    // a link on another site may open the page, which is no more than its own script
    if (pathname === '/' && method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && origin === undefined) return;
    const from = origin !== undefined && URL.canParse(origin) ? new URL(origin) : undefined;
    const scheme = secure ? /^https:$/ : /^https?:$/;
    // parsed, so that both have lost the port that their scheme has anyway
    const same = from && scheme.test(from.protocol) && new URL(`${from.protocol}//${host}`).host === from.host;
    if ((origin === undefined || same) && (site === undefined || site === 'same-origin' || site === 'none')) return;
    throw foreign(
      'a page of another site asks',
      origin === undefined ? `Sec-Fetch-Site ${shown(String(site))}` : `Origin ${shown(origin)}`,
      "only the gateway's own page may, and programs that say no Origin",
      'open the page of the gateway itself, or ask from a program',
    );
  }

  /**
   * The limit is asked first: who has guessed too often is not told whether this guess is right. @throws
   * RN811, RN812
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
