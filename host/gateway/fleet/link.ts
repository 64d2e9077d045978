/**
 * A connection to the broker that outlives the broker's restarts: MQTT 5 where it is spoken, else 3.1.1.
 *
 * In: `mqtt://host/site`, a will.  Out: publish, subscribe, messages by topic. Each connection first offers version 5; a broker that refuses it (aedes) is asked again
 * with 3.1.1. What is published while the broker is away is not kept: `connected` is called after each connection, and its listener says again what holds.
 */
import { connect, type MqttClient } from 'mqtt';
import { RunletError } from '../../../models/error.ts';
import type { TlsParts } from '../http/certificates.ts';
import { isDistrust } from '../http/tls-errors.ts';
import { isName } from './messages.ts';

export interface LinkOptions {
  /** The broker, without the site. */
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
  /** The broker forgets it after so long (MQTT 5). */
  expirySeconds?: number;
}

const schemes = new Set(['mqtt:', 'mqtts:', 'ws:', 'wss:']);
const v5Refused = new Set([1, 132]);

/** `mqtt://[user@]host[:port]/site`. @throws RN852 */
export function fleetAddress(text: string): { url: string; site: string; username?: string } {
  const wrong = (why: string): RunletError =>
    new RunletError('RN852', {
      what: 'this is no address of a fleet',
      where: `--fleet ${text.replace(/:[^:@/]*@/, ':…@').slice(0, 80)}`,
      why,
      tryThis: 'mqtt://BROKER/SITE, or mqtts://',
    });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !schemes.has(url.protocol) || !url.hostname) throw wrong('it is not mqtt://BROKER/SITE');
  if (url.password) throw wrong('a password on the command line is seen by everybody on this machine; give it in a file');
  const site = url.pathname.slice(1);
  if (!isName(site))
    throw wrong(site ? 'the site is not letters, digits, dots, dashes and underscores, 64 at most' : 'the site is missing');
  const username = url.username ? decodeURIComponent(url.username) : undefined;
  return { url: `${url.protocol}//${url.host}`, site, ...(username && { username }) };
}

export class Link {
  #client: MqttClient;
  #listeners = new Set<(topic: string, payload: Uint8Array) => void>();

  constructor({ url, clientId, will, password, tls, connected, log, username }: LinkOptions & { username?: string }) {
    const buffer = (bytes?: Uint8Array) => bytes && Buffer.from(bytes);
    this.#client = connect(url, {
      clientId,
      protocolVersion: 5,
      clean: true,
      reconnectPeriod: 500,
      connectTimeout: 10_000,
      keepalive: 30,
      reconnectOnConnackError: true,
      resubscribe: true,
      queueQoSZero: false,
      username: username ?? (password ? clientId : undefined),
      password,
      ...(tls && { ca: buffer(tls.ca), cert: buffer(tls.cert), key: buffer(tls.key) }),
      ...(will && { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
    });
    let said = '';
    this.#client.on('connect', () => {
      said = '';
      connected?.();
    });
    this.#client.on('error', (error) => {
      if (this.#client.options.protocolVersion === 5 && v5Refused.has((error as { code?: number }).code as number)) {
        this.#client.options.protocolVersion = 4;
        return;
      }
      // it is tried twice a second, for as long as it takes
      const why = error.message || (error as { code?: string }).code || 'no connection';
      if (why !== said) log?.(why);
      said = why;
    });
    this.#client.on('message', (topic, payload) => {
      for (const listener of this.#listeners) listener(topic, payload);
    });
  }

  /** The version that is spoken. */
  get version(): number {
    return this.#client.options.protocolVersion ?? 4;
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  /** @returns what ends it */
  listen(listener: (topic: string, payload: Uint8Array) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws RN851 the first connection does not come about */
  async ready(timeoutMs: number): Promise<void> {
    if (this.connected) return;
    let last = `no answer in ${timeoutMs / 1000} s`;
    await new Promise<void>((resolve, reject) => {
      const give = () => {
        clearTimeout(timer);
        this.#client.off('error', note);
        reject(lost(last));
      };
      const note = (error: Error) => {
        last = error.message || String((error as { code?: string }).code);
        // a broker may be on its way, a certificate is not
        if (isDistrust(error)) give();
      };
      const timer = setTimeout(give, timeoutMs);
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

  /** Retained; an empty payload removes what was. Without a connection it does nothing. */
  retain(topic: string, payload: Uint8Array, { contentType, expirySeconds }: PublishOptions = {}): void {
    if (!this.connected) return;
    const properties = {
      ...(contentType && { contentType }),
      ...(expirySeconds && { messageExpiryInterval: expirySeconds }),
      userProperties: { runlet: '1' },
    };
    this.#client.publish(
      topic,
      Buffer.from(payload),
      { qos: 1, retain: true, ...(this.version === 5 && { properties }) },
      // what was not taken is said again after the next connection
      () => {},
    );
  }

  /** The retained message of a topic, or the first one that comes. @throws RN853 */
  async fetch(topic: string, mostBytes: number, timeoutMs: number, signal: AbortSignal): Promise<Uint8Array> {
    const failed = (why: string) =>
      new RunletError('RN853', {
        what: 'the bundle did not come from the broker',
        where: topic,
        why,
        tryThis: 'roll it out again',
      });
    let end = () => {};
    try {
      return await new Promise<Uint8Array>((resolve, reject) => {
        const timer = setTimeout(() => reject(failed(`nothing came in ${timeoutMs / 1000} s`)), timeoutMs);
        const stop = () => reject(failed('it is no longer wanted'));
        const unlisten = this.listen((found, payload) => {
          if (found !== topic || payload.length === 0) return;
          if (payload.length > mostBytes) reject(failed(`${payload.length} bytes, and ${mostBytes} are taken`));
          else resolve(payload);
        });
        end = () => {
          clearTimeout(timer);
          unlisten();
          signal.removeEventListener('abort', stop);
        };
        signal.addEventListener('abort', stop);
        // without a connection it is made up for after the next one
        this.#client.subscribe(topic, { qos: 1 }, () => {});
      });
    } finally {
      end();
      this.#client.unsubscribe(topic, () => {});
    }
  }

  /** Waits for what is on its way; where the broker is away, ends at once. */
  async close(): Promise<void> {
    await this.#client.endAsync(!this.connected);
  }
}

const lost = (why: string): RunletError =>
  new RunletError('RN851', {
    what: 'the broker cannot be reached',
    where: '--fleet',
    why,
    tryThis: 'whether it runs, its address and port, the name and the password; of mqtts:// the certificates',
  });
