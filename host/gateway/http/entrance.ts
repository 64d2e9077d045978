/**
 * Entrance: takes all requests and upgrades of the listening port, and passes on those that the door admits.
 *
 * In: a server, a door, handlers of requests and upgrades.  Out: counts.
 * Errors: a refusal is answered, and its connection is closed. An error in a handler is counted and logged,
 * and closes only its own connection.
 * Timeouts: 10 s for headers and TLS handshakes, 20 s without a byte, 5 minutes for a request.
 */
import { type IncomingMessage, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { isRunletError, RunletError } from '../../../models/error.ts';
import type { Connections } from './connections.ts';
import { type Door, visitOf } from './door.ts';
import { badRequest, problemOf } from './problem.ts';

export interface EntranceCounts {
  /** Number of refused requests, by error code. */
  refused: Map<string, number>;
  /** Number of errors that are not refusals. */
  faults: number;
}

/** Handles an admitted upgrade. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, url: URL) => void;

export interface EntranceOptions {
  server: Server;
  door: Door;
  connections: Connections;
  listener: RequestListener;
  /** Handlers of upgrades, by path. */
  upgrades: Map<string, Upgrade>;
  log?: Logger;
}

/** Limits of node:http, for `createServer`. */
export const serverLimits = {
  maxHeaderSize: 8192,
  headersTimeout: 10_000,
  requestTimeout: 300_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 2000,
  requireHostHeader: false, // the door gives a better error
};
const idleMs = 20_000;
/** Time that a refused client has to read its response, in milliseconds. */
const lingerMs = 1000;
const logMs = 1000;

/** Headers of all responses: no page of another site may embed them, and no cache may store them. */
const headers = {
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

/** Closes the connection of a refused request, even if the client continues to send or never reads. */
function endSoon(socket: Duplex): void {
  socket.on('error', () => {});
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref();
  socket.once('end', () => socket.destroy());
  socket.once('close', () => clearTimeout(timer));
}

/** Sends an error response on a socket without a ServerResponse. */
export function answerRaw(socket: Duplex, error: unknown): void {
  if (!socket.writable) return void socket.destroy();
  const { status, body } = problemOf(error);
  const text = JSON.stringify(body);
  const first = `HTTP/1.1 ${status} ${STATUS_CODES[status]}`;
  const fields = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`, 'Connection: close'];
  socket.end([first, ...fields, '', text].join('\r\n'));
  endSoon(socket);
}

function answer(incoming: IncomingMessage, outgoing: ServerResponse, error: unknown): void {
  if (outgoing.headersSent) return void incoming.socket.destroy();
  const { status, body, fields } = problemOf(error);
  outgoing.writeHead(status, { ...fields, 'Content-Type': 'application/json', Connection: 'close' });
  outgoing.end(JSON.stringify(body));
  endSoon(incoming.socket);
}

export function openEntrance({ server, door, connections, listener, upgrades, log }: EntranceOptions): EntranceCounts {
  const counts: EntranceCounts = { refused: new Map(), faults: 0 };
  let [loggedMs, unlogged] = [Number.NEGATIVE_INFINITY, 0];

  /** Counts an error, and logs at most one line per second, so that a flood cannot fill the log. */
  function count(error: unknown, { method, url, socket }: IncomingMessage): void {
    const { code, parts } = isRunletError(error) ? error : { code: 'RN849', parts: undefined };
    if (!isRunletError(error)) counts.faults++;
    counts.refused.set(code, (counts.refused.get(code) ?? 0) + 1);
    unlogged++;
    if (performance.now() - loggedMs < logMs) return;
    const about = { code, method, path: url?.slice(0, 80), address: socket.remoteAddress, refused: unlogged };
    if (parts) log?.warn({ ...about, what: parts.what, why: parts.why }, 'refused');
    else log?.error({ ...about, err: error }, 'fault');
    [loggedMs, unlogged] = [performance.now(), 0];
  }

  function admit(request: IncomingMessage): URL {
    const { url, trusted } = door.admit(visitOf(request));
    if (trusted) connections.trust(request.socket);
    request.url = `${url.pathname}${url.search}`;
    return url;
  }

  async function request(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    outgoing.on('error', () => {}); // the client has disconnected
    try {
      admit(incoming);
      if (/^100-continue$/i.test(incoming.headers.expect ?? '')) outgoing.writeContinue();
      for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
      await listener(incoming, outgoing);
    } catch (error) {
      count(error, incoming);
      answer(incoming, outgoing, error);
    }
  }

  function upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {}); // the event 'close' follows
    try {
      const url = admit(incoming);
      const open = upgrades.get(url.pathname);
      if (!open) throw new RunletError('RN848', { what: 'this path takes no upgrade', where: url.pathname });
      open(incoming, socket, head, url);
    } catch (error) {
      count(error, incoming);
      answerRaw(socket, error);
    }
  }

  server.on('request', request);
  server.on('checkContinue', request);
  server.on('checkExpectation', request);
  server.on('upgrade', upgrade);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    answerRaw(socket, badRequest('this is not an HTTP request', 'request', error.code));
  });
  server.setTimeout(idleMs);
  return counts;
}
