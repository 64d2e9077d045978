/**
 * Link: a connection to the broker that reconnects after a restart of the broker. MQTT 5 if possible, else
 * 3.1.1.
 *
 * In: `mqtt://host/site`, a will.  Out: publish, subscribe, messages by topic.  Errors: RN851, RN852, RN853.
 * Rule: messages that are published without a connection are lost. `connected` is called after each
 * connection and must publish the current state again. A packet has at most the size of a bundle and its
 * topic. An exception in a listener is only logged.
 */
import type { MqttClient } from 'mqtt';
import { RunletError } from '../../../models/error.ts';
import type { TlsParts } from '../../remote/certificates.ts';
import { isDistrust } from '../../remote/tls-errors.ts';
import { endSoon, guarded, isBrokerUrl, openMqtt } from '../mqtt/client.ts';
import { seldom } from '../mqtt/seldom.ts';
import { isName, maxPacketBytes } from './messages.ts';

export interface LinkOptions {
  /** Address of the broker, without the site. */
  url: string;
  clientId: string;
  will?: { topic: string; payload: Uint8Array };
  password?: string;
  tls?: TlsParts;
  connected?: () => void;
  log?: (why: string) => void;
}

export interface PublishOptions {
  contentType?: string;
  /** Time after which the broker drops the message, in seconds (only MQTT 5). */
  expirySeconds?: number;
}

/**
 * Largest number of messages without the broker's acknowledgement. Further messages are dropped, and
 * published again after the next connection. A choice: more than the gateways of a site.
 */
const maxUnacknowledged = 16_384;

/** Parses `mqtt://[user@]host[:port]/site`. @throws RN852 */
export function fleetAddress(text: string): { url: string; site: string; username?: string } {
  const wrong = (why: string): RunletError =>
    new RunletError('RN852', {
      what: 'this is not the address of a fleet',
      where: `--fleet ${text.replace(/:[^:@/]*@/, ':…@').slice(0, 80)}`,
      why,
      tryThis: 'use mqtt://BROKER/SITE or mqtts://BROKER/SITE',
    });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !isBrokerUrl(text) || !url.hostname) throw wrong('it is not mqtt://BROKER/SITE');
  if (url.password) throw wrong('everybody on this machine can see a password on the command line; give it in a file');
  const site = url.pathname.slice(1);
  if (!isName(site))
    throw wrong(site ? 'a site has at most 64 letters, digits, dots, dashes and underscores' : 'the site is missing');
  const username = url.username ? decodeURIComponent(url.username) : undefined;
  return { url: `${url.protocol}//${url.host}`, site, ...(username && { username }) };
}

export class Link {
  #client: MqttClient;
  #listeners = new Set<(topic: string, payload: Uint8Array) => void>();

  #unacknowledged = 0;

  constructor({ url, clientId, will, password, tls, connected, log, username }: LinkOptions & { username?: string }) {
    const logSeldom = seldom((_, text) => log?.(text));
    const fault = (error: unknown) => logSeldom({}, `fault: ${error instanceof Error ? error.message : error}`);
    this.#client = openMqtt({
      url,
      clientId,
      keepalive: 30,
      username: username ?? (password ? clientId : undefined),
      password,
      tls,
      ...(will && { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
      maxPacketBytes,
      // the client retries twice a second without end
      trouble: (error) => logSeldom({}, error.message || (error as { code?: string }).code || 'no connection'),
      fault,
      message: (topic, payload) => {
        for (const listener of this.#listeners) guarded(listener, fault)(topic, payload);
      },
    });
    this.#client.on('connect', () => guarded(() => connected?.(), fault)());
  }

  /** Protocol version: 5, or 4 for MQTT 3.1.1. */
  get version(): number {
    return this.#client.options.protocolVersion ?? 4;
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  /** Adds a listener of messages. @returns a function that removes it. */
  listen(listener: (topic: string, payload: Uint8Array) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits for the first connection. @throws RN851 if there is none in time or the certificate is refused */
  async ready(timeoutMs: number): Promise<void> {
    if (this.connected) return;
    let last = `no answer in ${timeoutMs / 1000} s`;
    await new Promise<void>((resolve, reject) => {
      const giveUp = () => {
        clearTimeout(timer);
        this.#client.off('error', note);
        reject(lost(last));
      };
      const note = (error: Error) => {
        last = error.message || String((error as { code?: string }).code);
        // a broker may still start, but a certificate does not become valid by waiting
        if (isDistrust(error)) giveUp();
      };
      const timer = setTimeout(giveUp, timeoutMs);
      this.#client.on('error', note);
      this.#client.once('connect', () => {
        clearTimeout(timer);
        this.#client.off('error', note);
        resolve();
      });
    });
  }

  async subscribe(...topics: string[]): Promise<void> {
    await this.#client.subscribeAsync(topics, { qos: 1 });
  }

  /** Publishes a retained message; an empty payload removes it. Does nothing without a connection. */
  retain(topic: string, payload: Uint8Array, { contentType, expirySeconds }: PublishOptions = {}): void {
    if (!this.connected || this.#unacknowledged >= maxUnacknowledged) return;
    this.#unacknowledged++;
    const properties = {
      ...(contentType && { contentType }),
      ...(expirySeconds && { messageExpiryInterval: expirySeconds }),
      userProperties: { runlet: '1' },
    };
    this.#client.publish(
      topic,
      Buffer.from(payload),
      { qos: 1, retain: true, ...(this.version === 5 && { properties }) },
      // a message that failed is published again after the next connection
      () => {
        this.#unacknowledged--;
      },
    );
  }

  /** Resolves with the retained message of a topic, or the first one that arrives. @throws RN853 */
  async fetch(topic: string, maxBytes: number, timeoutMs: number, signal: AbortSignal): Promise<Uint8Array> {
    const failed = (why: string) =>
      new RunletError('RN853', {
        what: 'the broker did not send the bundle',
        where: topic,
        why,
        tryThis: 'roll it out again',
      });
    let end = () => {};
    try {
      return await new Promise<Uint8Array>((resolve, reject) => {
        const timer = setTimeout(() => reject(failed(`nothing arrived in ${timeoutMs / 1000} s`)), timeoutMs);
        const stop = () => reject(failed('the request was cancelled'));
        const unlisten = this.listen((found, payload) => {
          if (found !== topic || payload.length === 0) return;
          if (payload.length > maxBytes) reject(failed(`it has ${payload.length} bytes, and the limit is ${maxBytes}`));
          else resolve(payload);
        });
        end = () => {
          clearTimeout(timer);
          unlisten();
          signal.removeEventListener('abort', stop);
        };
        signal.addEventListener('abort', stop);
        // without a connection, the client subscribes after the next one
        this.#client.subscribe(topic, { qos: 1 }, () => {});
      });
    } finally {
      end();
      this.#client.unsubscribe(topic, () => {});
    }
  }

  /** Closes the connection. Waits a short time for messages in flight, or not at all without a connection. */
  async close(): Promise<void> {
    await endSoon(this.#client);
  }
}

const lost = (why: string): RunletError =>
  new RunletError('RN851', {
    what: 'the broker cannot be reached',
    where: '--fleet',
    why,
    tryThis: 'check that it runs, its address and port, the name and the password; with mqtts:// also the certificates',
  });
