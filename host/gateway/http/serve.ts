/**
 * Serves a gateway over HTTP or HTTPS, and stops it.
 *
 * In: an app, an address, certificates.  Out: the port, and a function that stops. With `clientCa` clients must show a certificate of it (mutual TLS): who does
 * not is cut off before a byte of HTTP is read, and the log says why. Who speaks plain HTTP to a port of HTTPS is told so (RN869).
 */
import { createServer as createPlain, type Server } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, Hono } from 'hono';
import type { Logger } from 'pino';
import { RunletError } from '../../../models/error.ts';
import { problemOf } from './problem.ts';

export interface Tls {
  cert: Uint8Array;
  key: Uint8Array;
  clientCa?: Uint8Array;
}

export interface ServeOptions {
  app: Hono;
  host: string;
  /** 0: any that is free. */
  port: number;
  tls?: Tls;
  log?: Logger;
}

export interface Served {
  server: Server;
  url: string;
  stop(): Promise<void>;
}

export const addressOf = (c: Context): string => getConnInfo(c).remote.address ?? 'unknown';

/** The first byte of a TLS connection: a handshake (RFC 8446, 5.1). */
const handshake = 0x16;
const firstByteMs = 10_000;
/** Refused connections that are logged, a second. */
const logMs = 1000;

function plainAnswer(): string {
  const wrong = new RunletError('RN869', {
    what: 'this port speaks HTTPS',
    why: 'the request came in plain HTTP',
    tryThis: 'https:// in the address',
  });
  const body = JSON.stringify(problemOf(wrong).body);
  const head = ['HTTP/1.1 400 Bad Request', 'Content-Type: application/json', `Content-Length: ${body.length}`];
  return [...head, 'Connection: close', '', body].join('\r\n');
}

/** Looks at the first byte of each connection before TLS does. @returns the connections, also those whose handshake is not over */
function answerPlain(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  const toTls = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    const ignore = () => {};
    const late = () => socket.destroy();
    socket.on('error', ignore);
    socket.setTimeout(firstByteMs, late);
    socket.once('readable', () => {
      const first: Buffer | null = socket.read();
      if (first === null) return socket.destroy();
      socket.off('timeout', late).setTimeout(0);
      if (first[0] !== handshake) return socket.end(plainAnswer(), () => socket.destroy());
      socket.unshift(first);
      socket.off('error', ignore);
      for (const listener of toTls) listener.call(server, socket);
    });
  });
  return sockets;
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
export async function serve({ app, host, port, tls, log }: ServeOptions): Promise<Served> {
  const listener = getRequestListener(app.fetch);
  const secure = tls && {
    cert: Buffer.from(tls.cert),
    key: Buffer.from(tls.key),
    ...(tls.clientCa && { ca: Buffer.from(tls.clientCa), requestCert: true, rejectUnauthorized: true }),
  };
  const server: Server = secure ? createSecure(secure, listener) : createPlain(listener);
  server.headersTimeout = 10_000;
  const sockets = secure ? answerPlain(server) : undefined;
  if (secure && log) logRefused(server, log);
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
  const found = server.address();
  const at = typeof found === 'object' && found ? found.port : port;
  const shown = host.includes(':') ? `[${host}]` : host;
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
      for (const socket of sockets ?? []) socket.destroy();
    });
  return { server, url: `${tls ? 'https' : 'http'}://${shown}:${at}`, stop };
}
