/**
 * Serves a gateway over HTTP or HTTPS, and stops it.
 *
 * In: an app, an address, certificates.  Out: the port, and a function that stops. With `clientCa` clients must show a certificate of it (mutual TLS).
 */
import { createServer as createPlain, type Server } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { getRequestListener } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, Hono } from 'hono';
import { RunletError } from '../../../models/error.ts';

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
}

export interface Served {
  server: Server;
  url: string;
  stop(): Promise<void>;
}

export const addressOf = (c: Context): string => getConnInfo(c).remote.address ?? 'unknown';

/** @throws RN863 */
export async function serve({ app, host, port, tls }: ServeOptions): Promise<Served> {
  const listener = getRequestListener(app.fetch);
  const secure = tls && {
    cert: Buffer.from(tls.cert),
    key: Buffer.from(tls.key),
    ...(tls.clientCa && { ca: Buffer.from(tls.clientCa), requestCert: true, rejectUnauthorized: true }),
  };
  const server: Server = secure ? createSecure(secure, listener) : createPlain(listener);
  server.headersTimeout = 10_000;
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
    });
  return { server, url: `${tls ? 'https' : 'http'}://${shown}:${at}`, stop };
}
