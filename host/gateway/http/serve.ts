/**
 * Serves a gateway over HTTP or HTTPS, and stops it.
 *
 * In: an app, a door, an address, certificates.  Out: the port, the upgrades that it takes, and a function
 * that stops. With `clientCa` clients must show a certificate of it (mutual TLS): who does not is cut off
 * before a byte of HTTP is read, and the log says why. Who speaks plain HTTP to a port of HTTPS is told so
 * (RN869).
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
  /** 0: any that is free. */
  port: number;
  tls?: Tls;
  /** Default: 1024, or what the limit of open files leaves. */
  maxConnections?: number;
  log?: Logger;
}

export interface Served {
  server: Server;
  url: string;
  /** What answers upgrades, by path; others may add theirs. */
  upgrades: Map<string, Upgrade>;
  counts: EntranceCounts;
  connections: Connections;
  stop(): Promise<void>;
}

/** The first byte of a TLS connection: a handshake (RFC 8446, 5.1). */
const handshake = 0x16;
const firstByteMs = 10_000;
/** Refused connections that are logged, a second. */
const logMs = 1000;

const plainHttp = (): RunletError =>
  new RunletError('RN869', {
    what: 'this port speaks HTTPS',
    why: 'the request came in plain HTTP',
    tryThis: 'https:// in the address',
  });

/** Looks at the first byte of each connection before TLS does. */
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

/** Says why a connection did not come about. */
function logRefused(server: Server, log: Logger): void {
  let loggedMs = Number.NEGATIVE_INFINITY;
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    if (performance.now() - loggedMs < logMs) return;
    loggedMs = performance.now();
    // Node keeps the verdict of OpenSSL there
    const why = (socket.authorizationError as unknown as string | null) ?? error.code ?? error.message;
    log.warn({ why, address: socket.remoteAddress }, 'TLS: refused');
  });
}

/** @throws RN863 */
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
          tryThis: 'another --port or --host',
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
