/**
 * A link over MQTT: MQTT 5 if possible, else 3.1.1.
 *
 * Rule: messages that are published without a connection are lost. A packet has at most the size of a bundle
 * and its topic.  Errors: RN851, RN853.
 */
import type { MqttClient } from 'mqtt';
import { isDistrust } from '../../remote/tls-errors.ts';
import { endSoon, guarded, openMqtt } from '../mqtt/client.ts';
import { seldom } from '../mqtt/seldom.ts';
import { type Link, type LinkOptions, notSent, type PublishOptions, unreachable } from './link.ts';
import { maxInlineBytes, maxPacketBytes } from './messages.ts';

/**
 * Largest number of messages without the broker's acknowledgement. Further messages are dropped, and
 * published again after the next connection. A choice: more than the gateways of a site.
 */
const maxUnacknowledged = 16_384;

export class MqttLink implements Link {
  readonly maxBundleBytes = maxInlineBytes;
  #client: MqttClient;
  #listeners = new Set<(topic: string, payload: Uint8Array) => void>();

  #unacknowledged = 0;

  constructor({ url, username, clientId, will, password, tls, connected, log }: Omit<LinkOptions, 'kind' | 'site'>) {
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

  get protocol(): string {
    return this.version === 5 ? 'MQTT 5' : 'MQTT 3.1.1';
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  listen(listener: (topic: string, payload: Uint8Array) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async ready(timeoutMs: number): Promise<void> {
    if (this.connected) return;
    let last = `no answer in ${timeoutMs / 1000} s`;
    await new Promise<void>((resolve, reject) => {
      const giveUp = () => {
        clearTimeout(timer);
        this.#client.off('error', note);
        reject(unreachable(last));
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

  /** Does nothing without a connection. */
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

  async fetch(topic: string, maxBytes: number, timeoutMs: number, signal: AbortSignal): Promise<Uint8Array> {
    const failed = (why: string) => notSent(topic, why);
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

  async close(): Promise<void> {
    await endSoon(this.#client);
  }
}
