/**
 * Serves a gateway over HTTP or HTTPS.
 *
 * In: an app, a door, an address, certificates.  Out: the URL, a map for handlers of upgrades, counts, and a
 * function that stops.  Errors: RN863.
 * Rule: with `clientCa`, clients must have a certificate of that CA (mutual TLS). Other connections are
 * closed before any HTTP is read, and the reason is logged. A plain HTTP request to an HTTPS port gets RN869.
 */
import { createServer as createPlain, type Server } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Logger } from 'pino';
import { RunletError } from '../../../models/error.ts';
import { Connections } from './connections.ts';
import type { Door } from './door.ts';
import { answerRaw, type EntranceCounts, openEntrance, serverLimits, type Upgrade } from './entrance.ts';

export interface Tls {
  cert: Uint8Array;
  key: Uint8Array;
  clientCa?: Uint8Array;
}

export interface ServeOptions {
  app: Hono;
  door: Door;
  host: string;
  /** Port to listen on; 0 selects a free one. */
  port: number;
  tls?: Tls;
  /** Largest number of connections; by default 1024, or fewer if the limit of open files is low. */
  maxConnections?: number;
  log?: Logger;
}

export interface Served {
  server: Server;
  url: string;
  /** Handlers of upgrades, by path; callers add theirs. */
  upgrades: Map<string, Upgrade>;
  counts: EntranceCounts;
  connections: Connections;
  stop(): Promise<void>;
}

/** First byte of a TLS connection: content type handshake (RFC 8446, 5.1). */
const handshake = 0x16;
const firstByteMs = 10_000;
/** Shortest time between two log lines about refused connections, in milliseconds. */
const logMs = 1000;

const plainHttp = (): RunletError =>
  new RunletError('RN869', {
    what: 'this port requires HTTPS',
    why: 'the request uses plain HTTP',
    tryThis: 'use https:// in the address',
  });

/** Answers plain HTTP on an HTTPS port: reads the first byte of each connection before TLS does. */
function answerPlain(server: Server): void {
  const toTls = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const late = () => socket.destroy();
    socket.setTimeout(firstByteMs, late);
    socket.once('readable', () => {
      const first: Buffer | null = socket.read();
      if (first === null) return socket.destroy();
      socket.off('timeout', late).setTimeout(0);
      if (first[0] !== handshake) return answerRaw(socket, plainHttp());
      socket.unshift(first);
      for (const listener of toTls) listener.call(server, socket);
    });
  });
}

/** Logs why a TLS connection was refused. */
function logRefused(server: Server, log: Logger): void {
  let loggedMs = Number.NEGATIVE_INFINITY;
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    if (performance.now() - loggedMs < logMs) return;
    loggedMs = performance.now();
    // Node stores the verdict of OpenSSL in authorizationError
    const why = (socket.authorizationError as unknown as string | null) ?? error.code ?? error.message;
    log.warn({ why, address: socket.remoteAddress }, 'TLS: refused');
  });
}

/** Starts to listen. @throws RN863 */
export async function serve({ app, door, host, port, tls, log, maxConnections }: ServeOptions): Promise<Served> {
  const secure = tls && {
    cert: Buffer.from(tls.cert),
    key: Buffer.from(tls.key),
    handshakeTimeout: firstByteMs,
    ...(tls.clientCa && { ca: Buffer.from(tls.clientCa), requestCert: true, rejectUnauthorized: true }),
  };
  const server: Server = secure ? createSecure({ ...secure, ...serverLimits }) : createPlain(serverLimits);
  if (secure) answerPlain(server);
  if (secure && log) logRefused(server, log);
  const connections = new Connections(maxConnections);
  server.prependListener('connection', (socket: Socket) => connections.add(socket));
  const upgrades = new Map<string, Upgrade>();
  const listener = getRequestListener(app.fetch);
  const counts = openEntrance({ server, door, connections, listener, upgrades, log });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: Error) =>
      reject(
        new RunletError('RN863', {
          what: 'the gateway cannot listen',
          where: `${host}:${port}`,
          why: error.message,
          tryThis: 'use another --port or --host',
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  server.on('error', (error) => log?.error({ err: error }, 'the listening port'));
  const found = server.address();
  const at = typeof found === 'object' && found ? found.port : port;
  const shown = host.includes(':') ? `[${host}]` : host;
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      connections.destroyAll();
    });
  return { server, url: `${tls ? 'https' : 'http'}://${shown}:${at}`, upgrades, counts, connections, stop };
}
