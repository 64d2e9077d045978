/**
 * A connection to the broker that outlives the broker's restarts: MQTT 5 where it is spoken, else 3.1.1.
 *
 * In: `mqtt://host/site`, a will.  Out: publish, subscribe, messages by topic. What is published while the
 * broker is away is not kept: `connected` is called after each connection, and its listener says again what
 * holds. A packet has at most a bundle and its topic; a listener that throws is logged and ends nothing.
 */
import type { MqttClient } from 'mqtt';
import { RunletError } from '../../../models/error.ts';
import type { TlsParts } from '../../remote/certificates.ts';
import { isDistrust } from '../../remote/tls-errors.ts';
import { endSoon, guarded, isBrokerUrl, openMqtt } from '../mqtt/client.ts';
import { seldom } from '../mqtt/seldom.ts';
import { isName, mostPacketBytes } from './messages.ts';

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

/**
 * Messages that wait for the broker's answer; what is beyond is left out, and said again after the next
 * connection. Choice: more than a site has gateways.
 */
const mostUnanswered = 16_384;

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
  if (!url || !isBrokerUrl(text) || !url.hostname) throw wrong('it is not mqtt://BROKER/SITE');
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

  #unanswered = 0;

  constructor({ url, clientId, will, password, tls, connected, log, username }: LinkOptions & { username?: string }) {
    const say = seldom((_, text) => log?.(text));
    const fault = (error: unknown) => say({}, `fault: ${error instanceof Error ? error.message : error}`);
    this.#client = openMqtt({
      url,
      clientId,
      keepalive: 30,
      username: username ?? (password ? clientId : undefined),
      password,
      tls,
      ...(will && { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
      mostPacketBytes,
      // it is tried twice a second, for as long as it takes
      trouble: (error) => say({}, error.message || (error as { code?: string }).code || 'no connection'),
      fault,
      message: (topic, payload) => {
        for (const listener of this.#listeners) guarded(listener, fault)(topic, payload);
      },
    });
    this.#client.on('connect', () => guarded(() => connected?.(), fault)());
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
    if (!this.connected || this.#unanswered >= mostUnanswered) return;
    this.#unanswered++;
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
      () => {
        this.#unanswered--;
      },
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

  /** Waits for what is on its way, for a while; where the broker is away, ends at once. */
  async close(): Promise<void> {
    await endSoon(this.#client);
  }
}

const lost = (why: string): RunletError =>
  new RunletError('RN851', {
    what: 'the broker cannot be reached',
    where: '--fleet',
    why,
    tryThis: 'whether it runs, its address and port, the name and the password; of mqtts:// the certificates',
  });
