/**
 * Link: a connection of a fleet to its broker, which reconnects after a restart of the broker.
 *
 * In: an address, a will.  Out: retained messages by topic (messages.ts).  Errors: RN851, RN852, RN853.
 * Rule: `connected` is called after each connection and must publish the current state again, because
 * messages may be lost without a connection. An exception in a listener is only logged.
 */
import { RunletError } from '../../../models/error.ts';
import type { TlsParts } from '../../remote/certificates.ts';
import type { SiteAddress } from './address.ts';

export interface LinkOptions extends SiteAddress {
  clientId: string;
  /** Message that says that this client is gone, if its connection is lost. Over NATS the topic expires. */
  will?: { topic: string; payload: Uint8Array };
  password?: string;
  /** Contents of a file of credentials (NATS). */
  creds?: Uint8Array;
  tls?: TlsParts;
  connected?: () => void;
  log?: (why: string) => void;
}

export interface PublishOptions {
  contentType?: string;
  /** Time after which the broker drops the message, in seconds (only MQTT 5). */
  expirySeconds?: number;
}

export interface Link {
  /** For people: `MQTT 5`, `MQTT 3.1.1` or `NATS`. */
  readonly protocol: string;
  /** Size of the largest bundle that can be a message. */
  readonly maxBundleBytes: number;
  readonly connected: boolean;
  /** Adds a listener of messages. @returns a function that removes it. */
  listen(listener: (topic: string, payload: Uint8Array) => void): () => void;
  /** Waits for the first connection. @throws RN851 if there is none in time or the certificate is refused */
  ready(timeoutMs: number): Promise<void>;
  /** Asks for the retained messages of topics, and for further ones. */
  subscribe(...topics: string[]): Promise<void>;
  /** Publishes a retained message; an empty payload removes it. */
  retain(topic: string, payload: Uint8Array, options?: PublishOptions): void;
  /** Resolves with the retained message of a topic, or the first one that arrives. @throws RN853 */
  fetch(topic: string, maxBytes: number, timeoutMs: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Closes the connection. Waits a short time for messages in flight, or not at all without a connection. */
  close(): Promise<void>;
}

export const unreachable = (why: string): RunletError =>
  new RunletError('RN851', {
    what: 'the broker cannot be reached',
    where: '--fleet',
    why,
    tryThis: 'check that it runs, its address and port, the name and the password; with TLS also the certificates',
  });

export const notSent = (topic: string, why: string): RunletError =>
  new RunletError('RN853', { what: 'the broker did not send the bundle', where: topic, why, tryThis: 'roll it out again' });
