/**
 * A link over NATS: desired and reported states in buckets of keys, bundles in a store of objects.
 *
 *     bucket runlet_SITE_desired     a desired state for each gateway
 *     bucket runlet_SITE_reported    a report of each gateway; it disappears unless it is repeated
 *     objects runlet_SITE_bundles    bundles by digest, for 30 days
 *
 * Rules: what is retained is written until the server has it. A message is told once, and again only if it
 * has changed.  Errors: RN851, RN853.
 */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { jetstream } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { type ObjectStore, Objm } from '@nats-io/obj';
import type { NatsConnection } from '@nats-io/transport-node';
import { isRunletError } from '../../../models/error.ts';
import { isDistrust } from '../../remote/tls-errors.ts';
import { connectNats } from '../cluster/connect.ts';
import { guarded } from '../mqtt/client.ts';
import { seldom } from '../mqtt/seldom.ts';
import { type Link, type LinkOptions, notSent, unreachable } from './link.ts';
import { maxGateways, partsOf, type TopicParts, topics } from './messages.ts';

type Listener = (topic: string, payload: Uint8Array) => void;

interface Places {
  desired: KV;
  reported: KV;
  bundles: ObjectStore;
}

/** Times in milliseconds, and sizes in bytes. Choices. */
const [retryMs, requestMs, closeMs] = [500, 5000, 3000];
const [reportedMs, repeatMs] = [15_000, 5000];
const [bundleDays, storeBytes, stateBytes, maxStateBytes] = [30, 1 << 30, 256 << 20, 16 << 10];
const nanosPerDay = 86_400e9;

export class NatsLink implements Link {
  readonly protocol = 'NATS';
  readonly maxBundleBytes = 64 << 20;
  #options: LinkOptions;
  #nats?: NatsConnection;
  #places?: Places;
  #isUp = false;
  #isClosed = false;
  #lastError?: Error;
  #listeners = new Set<Listener>();
  /** What is to be written, by topic, and the topics whose writing is under way. */
  #wanted = new Map<string, Uint8Array>();
  #writing = new Map<string, Promise<void>>();
  /** Digests of the latest messages, by topic. */
  #told = new Map<string, string>();
  #followed = new Map<string, { stop(): void }>();
  /** The latest report of this client, which it repeats. */
  #report?: Uint8Array;
  #repeat?: NodeJS.Timeout;
  #log: (why: string) => void;
  #fault: (error: unknown) => void;

  constructor(options: LinkOptions) {
    this.#options = options;
    const logSeldom = seldom((_, text) => options.log?.(text));
    this.#log = (why) => logSeldom({}, why);
    this.#fault = (error) => this.#log(`fault: ${error instanceof Error ? error.message : error}`);
    void this.#open();
    if (options.will) {
      const { topic } = options.will;
      this.#repeat = setInterval(() => this.#report && this.retain(topic, this.#report), repeatMs).unref();
    }
  }

  get connected(): boolean {
    return this.#isUp;
  }

  /** Connects, however long it takes, and follows the connection. */
  async #open(): Promise<void> {
    const { clientId } = this.#options;
    while (!this.#isClosed)
      try {
        const nats = await connectNats(this.#options, clientId);
        this.#nats = nats;
        if (this.#isClosed) return await nats.close();
        this.#places = await this.#create(nats);
        break;
      } catch (error) {
        this.#lastError = error as Error;
        this.#log((error as Error).message);
        await this.#nats?.close();
        await pause(retryMs);
      }
    if (!this.#nats || this.#isClosed) return;
    this.#up();
    for await (const { type } of this.#nats.status()) {
      if (type === 'disconnect') this.#isUp = false;
      else if (type === 'reconnect') this.#up();
    }
  }

  #up(): void {
    this.#isUp = true;
    guarded(() => this.#options.connected?.(), this.#fault)();
  }

  /** Opens the places of the site, and creates those that are missing. */
  async #create(nats: NatsConnection): Promise<Places> {
    const js = jetstream(nats, { timeout: requestMs });
    const { site } = this.#options;
    const [keys, objects] = [new Kvm(js), new Objm(js)];
    const states = { history: 1, max_bytes: stateBytes, maxValueSize: maxStateBytes };
    return {
      desired: await keys.create(`runlet_${site}_desired`, states),
      reported: await keys.create(`runlet_${site}_reported`, { ...states, ttl: reportedMs }),
      bundles: await objects.create(`runlet_${site}_bundles`, { ttl: bundleDays * nanosPerDay, max_bytes: storeBytes }),
    };
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async ready(timeoutMs: number): Promise<void> {
    for (const untilMs = performance.now() + timeoutMs; !this.#isUp; await pause(20)) {
      // a server may still start, but a certificate does not become valid by waiting
      const isLate = performance.now() > untilMs;
      if (isLate || isDistrust(this.#lastError) || isDistrust(this.#lastError?.cause))
        throw unreachable(this.#lastError?.message ?? `no answer in ${timeoutMs / 1000} s`);
    }
  }

  /** Topics of `desired` and `reported`; `+` is every gateway. */
  async subscribe(...asked: string[]): Promise<void> {
    for (const topic of asked) if (!this.#followed.has(topic)) void this.#follow(topic);
  }

  async #follow(topic: string): Promise<void> {
    const { kind, name } = partsOf(topic) as TopicParts;
    const { site } = this.#options;
    this.#followed.set(topic, { stop: () => {} });
    while (!this.#isClosed && kind !== 'bundle')
      try {
        const entries = await (this.#places as Places)[kind].watch({ key: name === '+' ? '>' : name });
        this.#followed.set(topic, entries);
        for await (const { key, operation, value } of entries)
          this.#tell(topics[kind](site, key), operation === 'PUT' ? value : new Uint8Array());
      } catch (error) {
        this.#log((error as Error).message);
      } finally {
        await pause(retryMs);
      }
  }

  #tell(topic: string, payload: Uint8Array): void {
    const digest = createHash('sha256').update(payload).digest('base64');
    const isNew = this.#told.get(topic) !== digest && (this.#told.has(topic) || this.#told.size < 2 * maxGateways);
    if (!isNew) return;
    this.#told.set(topic, digest);
    for (const listener of this.#listeners) guarded(listener, this.#fault)(topic, payload);
  }

  retain(topic: string, payload: Uint8Array): void {
    if (topic === this.#options.will?.topic) this.#report = payload;
    this.#wanted.set(topic, payload);
    if (this.#writing.has(topic)) return;
    this.#writing.set(
      topic,
      this.#write(topic).finally(() => this.#writing.delete(topic)),
    );
  }

  async #write(topic: string): Promise<void> {
    for (let payload = this.#wanted.get(topic); payload && !this.#isClosed; payload = this.#wanted.get(topic))
      try {
        if (!this.#isUp) throw new Error('no connection');
        await this.#put(topic, payload);
        if (this.#wanted.get(topic) === payload) this.#wanted.delete(topic);
      } catch (error) {
        this.#log((error as Error).message);
        await pause(retryMs);
      }
  }

  async #put(topic: string, payload: Uint8Array): Promise<void> {
    const { kind, name } = partsOf(topic) as TopicParts;
    const places = this.#places as Places;
    if (kind !== 'bundle') await (payload.length > 0 ? places[kind].put(name, payload) : places[kind].delete(name));
    else if (payload.length === 0) await places.bundles.delete(name);
    else if (((await places.bundles.info(name))?.size ?? 0) === 0) await places.bundles.putBlob({ name }, payload);
  }

  async fetch(topic: string, maxBytes: number, timeoutMs: number, signal: AbortSignal): Promise<Uint8Array> {
    let why = `nothing arrived in ${timeoutMs / 1000} s`;
    for (const untilMs = performance.now() + timeoutMs; performance.now() < untilMs; await pause(retryMs)) {
      if (signal.aborted) throw notSent(topic, 'the request was cancelled');
      try {
        const found = this.#isUp && (await this.#object(topic, maxBytes, untilMs));
        if (found) return found;
      } catch (error) {
        if (isRunletError(error)) throw error;
        why = (error as Error).message;
      }
    }
    throw notSent(topic, why);
  }

  /** Reads an object; undefined if it is not there. @throws RN853 if it is none that would be read */
  async #object(topic: string, maxBytes: number, untilMs: number): Promise<Uint8Array | undefined> {
    const { bundles } = this.#places as Places;
    const { name } = partsOf(topic) as TopicParts;
    const info = await bundles.info(name);
    if (!info || info.deleted) return undefined;
    // a link could lead to itself
    if (info.options?.link) throw notSent(topic, 'it is a link to another object');
    if (info.size > maxBytes) throw notSent(topic, `it has ${info.size} bytes, and the limit is ${maxBytes}`);
    const found = await bundles.get(name);
    if (!found) return undefined;
    // told by the reader too
    found.error.catch(() => {});
    const reader = found.data.getReader();
    const late = setTimeout(() => void reader.cancel().catch(() => {}), Math.max(0, untilMs - performance.now()));
    const parts: Uint8Array[] = [];
    let length = 0;
    try {
      for (let part = await reader.read(); part.value; part = await reader.read()) {
        length += part.value.length;
        if (length > info.size) break;
        parts.push(part.value);
      }
    } finally {
      clearTimeout(late);
      void reader.cancel().catch(() => {});
    }
    if (length !== info.size) throw new Error(`${length} of ${info.size} bytes arrived`);
    return new Uint8Array(Buffer.concat(parts));
  }

  async close(): Promise<void> {
    clearInterval(this.#repeat);
    const written = Promise.all(this.#writing.values());
    if (this.#isUp) await Promise.race([written, pause(closeMs, undefined, { ref: false })]);
    this.#isClosed = true;
    for (const entries of this.#followed.values()) entries.stop();
    await this.#nats?.close();
  }
}
