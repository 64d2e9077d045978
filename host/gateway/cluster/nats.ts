/**
 * NatsBroker: the broker of a cluster on NATS JetStream.
 *
 *     runlet.<site>.frames.<partition>.<stream>     frames, kept for `keepHours` and at most `keepBytes`
 *     runlet.<site>.outputs.<partition>.<stream>    outputs, kept in the same way
 *     bucket runlet_<site>_leases                   leases and members; an entry lives for `leaseMs`
 *     bucket runlet_<site>_states                   records of streams, a cursor for each partition
 *
 * Errors: RN921, RN922.  Source: docs.nats.io, JetStream model (expected last subject sequence, message id).
 */
import { JetStreamApiError, type JetStreamClient, type JetStreamManager, jetstream, type StreamConfig } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { RunletError } from '../../../models/error.ts';
import { readOutput } from '../streams/wire.ts';
import { type Arrived, type Broker, Conflict, type Entry, type LastOutput } from './broker.ts';
import { connectNats, type NatsOptions } from './connect.ts';

export interface BrokerOptions extends NatsOptions {
  site: string;
  /** Number of partitions. It is a fact of the site: the first gateway stores it, the others must agree. */
  partitions: number;
  leaseMs: number;
  keepHours: number;
  /** Size of the frames, of the outputs, and of the records. */
  keepBytes: number;
}

/** Codes of JetStream: wrong last sequence (two), no such message, no such stream. */
const wrongLast = new Set([10_071, 10_164]);
const [noMessage, noStream] = [10_037, 10_059];
/** Messages that wait here, per partition; time of a request, and for the server to start. Choices. */
const [ahead, requestMs, patienceMs] = [256, 2000, 10_000];
/**
 * Time for which the server remembers the ids of outputs. That an output is stored once follows from the one
 * before it; the two minutes of the server's default only need memory: 70 MiB at 4,000 outputs a second.
 */
const idsMs = 10_000;
const nanos = 1e6;
const maxRecordBytes = 4 << 20;

/** Runs a write, and turns JetStream's refusal of it into Conflict. */
async function unlessChanged<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof JetStreamApiError && wrongLast.has(error.code)) throw new Conflict(error.message);
    throw error;
  }
}

export class NatsBroker implements Broker {
  readonly partitions: number;
  readonly leaseMs: number;
  #site: string;
  #nats: NatsConnection;
  #js: JetStreamClient;
  #manager: JetStreamManager;
  #leases: KV;
  #states: KV;
  #connected = true;

  private constructor({ site, partitions, leaseMs }: BrokerOptions, nats: NatsConnection, parts: [JetStreamManager, KV, KV]) {
    [this.partitions, this.leaseMs, this.#site, this.#nats] = [partitions, leaseMs, site, nats];
    this.#js = jetstream(nats, { timeout: requestMs });
    [this.#manager, this.#leases, this.#states] = parts;
    void this.#follow();
  }

  /** Connects, and creates what is not there yet. @throws RN921, RN922 */
  static async open(options: BrokerOptions): Promise<NatsBroker> {
    const { url, site, leaseMs, keepHours, keepBytes } = options;
    const nats = await connectNats(options, `runlet ${site}`, patienceMs).catch((error: Error) => {
      throw unreachable(url, error.message);
    });
    try {
      const js = jetstream(nats, { timeout: requestMs });
      const manager = await js.jetstreamManager();
      const limits = { max_age: keepHours * 3600e3 * nanos, max_bytes: keepBytes, discard: 'old' as const };
      const ids = { outputs: { duplicate_window: idsMs * nanos }, frames: {} };
      for (const kind of ['frames', 'outputs'] as const)
        await created(manager, { name: streamName(site, kind), subjects: [`runlet.${site}.${kind}.>`], ...limits, ...ids[kind] });
      const kvm = new Kvm(js);
      const leases = await kvm.create(`runlet_${site}_leases`, { history: 1, ttl: leaseMs });
      const states = await kvm.create(`runlet_${site}_states`, {
        history: 1,
        max_bytes: keepBytes,
        maxValueSize: maxRecordBytes,
      });
      await agree(states, site, options.partitions);
      return new NatsBroker(options, nats, [manager, leases, states]);
    } catch (error) {
      await nats.close();
      if (error instanceof RunletError) throw error;
      throw unreachable(url, error instanceof Error ? error.message : String(error));
    }
  }

  /** Follows the connection: what is sent while it is down would arrive at a time that nobody knows. */
  async #follow(): Promise<void> {
    for await (const { type } of this.#nats.status()) {
      if (type === 'disconnect') this.#connected = false;
      else if (type === 'reconnect') this.#connected = true;
    }
  }

  #subject = (kind: string, partition: number, stream: string): string => `runlet.${this.#site}.${kind}.${partition}.${stream}`;

  async *messages(partition: number, after: number, quit: AbortSignal): AsyncIterable<Arrived> {
    const consumer = await this.#js.consumers.get(streamName(this.#site, 'frames'), {
      filter_subjects: this.#subject('frames', partition, '>'),
      deliver_policy: 'by_start_sequence',
      opt_start_seq: after + 1,
    });
    const found = await consumer.consume({ max_messages: ahead });
    const stop = () => found.stop();
    quit.addEventListener('abort', stop);
    try {
      const prefix = this.#subject('frames', partition, '').length;
      for await (const { seq, subject, data, info } of found) {
        if (quit.aborted) return;
        yield { seq, stream: subject.slice(prefix), bytes: data, pending: info.pending };
      }
    } finally {
      quit.removeEventListener('abort', stop);
      await found.close();
    }
  }

  async lastOutput(partition: number, stream: string): Promise<LastOutput | undefined> {
    const last_by_subj = this.#subject('outputs', partition, stream);
    const found = await this.#manager.streams.getMessage(streamName(this.#site, 'outputs'), { last_by_subj }).catch((error) => {
      if (error instanceof JetStreamApiError && error.code === noMessage) return null;
      throw error;
    });
    return found ? { seq: found.seq, sequence: readOutput(found.data).sequence } : undefined;
  }

  async publish(partition: number, stream: string, sequence: number, bytes: Uint8Array, after: number): Promise<number> {
    if (!this.#connected) throw new Error('there is no connection to the broker');
    const subject = this.#subject('outputs', partition, stream);
    const sent = this.#js.publish(subject, bytes, {
      msgID: `${stream}/${sequence}`,
      expect: { lastSubjectSequence: after },
      timeout: requestMs,
      retries: 0,
    });
    return (await unlessChanged(sent)).seq;
  }

  async read(key: string): Promise<Entry | undefined> {
    const found = await this.#states.get(key);
    return found && found.operation === 'PUT' ? { value: found.value, revision: found.revision } : undefined;
  }

  async keys(prefix: string): Promise<string[]> {
    const found: string[] = [];
    for await (const key of await this.#states.keys(`${prefix}>`)) found.push(key);
    return found;
  }

  write = (key: string, value: Uint8Array, revision: number): Promise<number> =>
    unlessChanged(this.#states.put(key, value, { previousSeq: revision }));

  async hold(key: string, value: string, revision: number): Promise<number> {
    // a lease that was given back has left a mark, which `create` replaces
    return unlessChanged(revision === 0 ? this.#leases.create(key, value) : this.#leases.update(key, value, revision));
  }

  release = (key: string, revision: number): Promise<void> => unlessChanged(this.#leases.delete(key, { previousSeq: revision }));

  async watch(seen: (key: string, value: string | undefined) => void): Promise<() => void> {
    const entries = await this.#leases.watch();
    void (async () => {
      for await (const { key, operation, value } of entries)
        seen(key, operation === 'PUT' ? new TextDecoder().decode(value) : undefined);
    })();
    return () => entries.stop();
  }

  async close(): Promise<void> {
    await this.#nats.close();
  }
}

const streamName = (site: string, kind: string): string => `RUNLET_${site}_${kind.toUpperCase()}`;

/** Creates a stream that is not there yet. One with other limits stays: an operator may have set them. */
async function created(manager: JetStreamManager, stream: { name: string } & Partial<StreamConfig>): Promise<void> {
  const isThere = () => manager.streams.info(stream.name).then(() => true);
  const isMissing = (error: unknown) => error instanceof JetStreamApiError && error.code === noStream;
  if (await isThere().catch((error) => !isMissing(error) && Promise.reject(error))) return;
  // another gateway may have created it meanwhile
  await manager.streams.add(stream).catch(async (error) => (await isThere()) || Promise.reject(error));
}

/** Stores the number of partitions, or compares it with the stored one. @throws RN922 */
async function agree(states: KV, site: string, partitions: number): Promise<void> {
  const stored = (await states.get('partitions')) ?? undefined;
  if (!stored) {
    await states.create('partitions', `${partitions}`).catch(() => {});
    return agree(states, site, partitions);
  }
  if (Number(stored.string()) === partitions) return;
  throw new RunletError('RN922', {
    what: 'this cluster has another number of partitions',
    where: `site ${site}`,
    why: `it has ${stored.string().slice(0, 20)}, and this gateway was told ${partitions}`,
    tryThis: 'give --partitions of the site; a site keeps its number, because streams would change their partition',
  });
}

const unreachable = (where: string, why: string): RunletError =>
  new RunletError('RN921', {
    what: 'the cluster cannot be reached',
    where,
    why,
    tryThis: 'start nats-server with -js, and use --cluster nats://HOST:4222/SITE',
  });
