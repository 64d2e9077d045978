/**
 * Connections to NATS.
 *
 * In: an address, secrets.  Out: a connection that comes back after a restart of the server.
 * Errors: those of the client; the caller says what they mean.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type ConnectionOptions, connect, credsAuthenticator, errors, type NatsConnection } from '@nats-io/transport-node';
import type { TlsParts } from '../../remote/certificates.ts';

export interface NatsOptions {
  /** nats://host:port; with tls:// the server must use TLS. */
  url: string;
  username?: string;
  password?: string;
  /** Contents of a file of credentials. */
  creds?: Uint8Array;
  tls?: TlsParts;
}

const retryMs = 250;
const text = (bytes?: Uint8Array): string | undefined => bytes && new TextDecoder().decode(bytes);

/**
 * Connects, and tries again for `patienceMs` while nobody listens: the machines of a site may start in any
 * order. @param name for the server's list of connections
 */
export async function connectNats(options: NatsOptions, name: string, patienceMs = 0): Promise<NatsConnection> {
  for (const untilMs = performance.now() + patienceMs; ; await pause(retryMs))
    try {
      return await connectOnce(options, name);
    } catch (error) {
      if (!(error instanceof errors.ConnectionError) || performance.now() > untilMs) throw error;
    }
}

function connectOnce({ url, username, password, creds, tls }: NatsOptions, name: string): Promise<NatsConnection> {
  const options: ConnectionOptions = {
    servers: url,
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    // a stack for each request costs time
    noAsyncTraces: true,
    ...(creds && { authenticator: credsAuthenticator(creds) }),
    ...(username !== undefined && { user: username, pass: password ?? '' }),
    // answers come to subjects of the user, so it needs no right to read those of others
    ...(username !== undefined && /^[\w-]+$/.test(username) && { inboxPrefix: `_INBOX_${username}` }),
    // without this, a server that offers no TLS would be accepted
    ...((tls || url.startsWith('tls:')) && { tls: { ca: text(tls?.ca), cert: text(tls?.cert), key: text(tls?.key) } }),
  };
  return connect(options);
}
