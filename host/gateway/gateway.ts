/**
 * Gateway: the gateway without its wires. HTTP, WebSocket, MQTT and serial lines are built on it.
 *
 * In: a disk, a policy; then bundles (`receive`) and frames of streams (`push`).  Out: `events` and `status`.
 * Errors: every refusal is a RunletError.
 * A slot is a named place for a bundle. A stream is a named signal that runs the bundle of its slot.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import type { Label } from '../learn/label-schema.ts';
import { Collection } from './collect/collection.ts';
import { Drift } from './drift/drift.ts';
import { Events, type GatewayEvents, type TrialReport } from './hub/events.ts';
import { checkName } from './hub/names.ts';
import { asFailure, type Pools, Slot } from './hub/slot.ts';
import { type ChunkFacts, Stream, type StreamEvents, type StreamState } from './hub/stream.ts';
import type { TrialOptions } from './hub/trial.ts';
import { Judging } from './judge/judging.ts';
import type { Disk } from './store/disk.ts';
import { runAll } from './store/run-all.ts';
import type { Stored } from './store/state.ts';
import { Store } from './store/store.ts';
import { type UploadLimits, Uploads } from './store/uploads.ts';
import { defaultPolicy, type Policy } from './verify/policy.ts';
import { type Verified, verifyUpload } from './verify/verify.ts';
import { checkFrames, signalOf, tickBytes } from './worker/frames.ts';
import { type Loaded, Pool, type PoolOptions } from './worker/pool.ts';

export interface GatewayOptions {
  policy?: Partial<Policy>;
  pool?: Partial<PoolOptions>;
  /** Number of consecutive crashes that lead to safe mode (default 3). */
  safeAfter?: number;
  /** Milliseconds after which the end of a run no longer counts as a crash (default 60,000). */
  healthyAfterMs?: number;
  maxStreams?: number;
  uploads?: Partial<UploadLimits>;
  /** Largest number of bytes of a stream that may wait for the module (default 4 MiB). */
  maxWaitingBytes?: number;
  /** Key of 32 bytes that encrypts collected windows on the disk; without one they are not encrypted. */
  collectKey?: Uint8Array;
}

export interface PushOptions extends ChunkFacts {
  slot?: string;
  /**
   * Number of the first tick; by default the next number. Ticks that were taken before are ignored, so that a
   * sender may repeat them.
   */
  from?: number;
}

/** The stream and slot that would take the frames of a message. */
export interface Entry {
  id: string;
  slot: Slot;
  /** Undefined before the stream's first frames. */
  stream?: Stream;
  manifest: Manifest;
  tickBytes: number;
}

/** Largest position of a stream. Positions are exact up to 2^53, so there is room for a message after it. */
const lastPosition = 2 ** 52;

/** A choice. */
const maxSlots = 64;

export class Gateway {
  readonly events = new Events<GatewayEvents>();
  readonly store: Store;
  readonly uploads: Uploads;
  readonly policy: Policy;
  readonly slots = new Map<string, Slot>();
  readonly streams = new Map<string, Stream>();
  /** The collected windows, the drift detection and the judgements of all slots. */
  collection!: Collection;
  drift!: Drift;
  judging!: Judging;
  /** The pools of each slot. */
  #pools = new Map<string, Pools>();
  /** Options of all pools that run streams; they share `running`, the count of their threads. */
  #poolOptions: Partial<PoolOptions>;
  /** Pools of bundles that are only examined. */
  #examining = new Set<Pool>();
  #options: Required<Pick<GatewayOptions, 'maxStreams' | 'maxWaitingBytes'>>;
  #healthy?: NodeJS.Timeout;

  private constructor(
    store: Store,
    uploads: Uploads,
    policy: Policy,
    { pool, maxStreams = 4096, maxWaitingBytes = 4 << 20 }: GatewayOptions,
  ) {
    this.store = store;
    this.uploads = uploads;
    this.policy = policy;
    this.#options = { maxStreams, maxWaitingBytes };
    this.#poolOptions = { running: { threads: 0 }, ...pool };
  }

  /** Opens the state on the disk and loads its bundles. @throws RN800, RN802, RN803 */
  static async open(disk: Disk, options: GatewayOptions = {}): Promise<Gateway> {
    const { safeAfter = 3, healthyAfterMs = 60_000 } = options;
    const policy = { ...defaultPolicy, ...options.policy };
    const store = await Store.open(disk, { safeAfter });
    const gateway = new Gateway(store, await Uploads.open(disk, policy, options.uploads), policy, options);
    for (const name of gateway.store.state.slots.keys()) await gateway.#make(name).load();
    gateway.collection = await Collection.open(disk, gateway.slots.keys(), gateway, options.collectKey);
    gateway.drift = await Drift.open(disk, gateway.slots.keys(), gateway);
    gateway.judging = await Judging.open(disk, gateway, gateway.#pool());
    gateway.#healthy = setTimeout(() => void gateway.store.healthy().catch(() => {}), healthyAfterMs).unref();
    return gateway;
  }

  /**
   * Stops the threads, and records that the run has not crashed. The next run continues pending uploads.
   * @throws RN802, RN837
   */
  async close(): Promise<void> {
    clearTimeout(this.#healthy);
    const pools = [...this.#pools.values()].flatMap(({ run, trial }) => [run, trial]);
    const streams = [...this.streams.values()].map((stream) => () => stream.close());
    const stops = [...pools, ...this.#examining].map((pool) => () => pool.stop());
    const parts = [this.drift, this.judging, this.collection, this.uploads, this.store].map((part) => () => part.close());
    await runAll([...streams, ...stops, ...parts]);
  }

  /** Returns an existing slot. @throws RN805, RN848 if there is none; it is not created. */
  find(name: string): Slot {
    const slot = this.slots.get(checkName('slot', name));
    if (slot) return slot;
    throw new RunletError('RN848', {
      what: 'there is no such slot',
      where: `slot ${name}`,
      why: 'a slot is created with its first bundle',
      tryThis: 'runlet flash BUNDLE --to GATEWAY --slot NAME',
    });
  }

  /** Returns a slot and creates it if needed, for a verified bundle or at the start. @throws RN805, RN813 */
  #make(name: string): Slot {
    const known = this.slots.get(checkName('slot', name));
    if (known) return known;
    if (this.slots.size >= maxSlots)
      throw new RunletError('RN813', {
        what: 'there are too many slots',
        where: `slot ${name}`,
        why: `the limit is ${maxSlots}`,
      });
    const pools = { run: new Pool(this.#poolOptions), trial: this.#pool() };
    const slot = new Slot(name, this.store, pools, this.events);
    this.#pools.set(name, pools);
    this.slots.set(name, slot);
    return slot;
  }

  #verify(bytes: Uint8Array, digest: string, name: string): Promise<Verified> {
    const slot = this.slots.get(checkName('slot', name));
    const { floor = 0, active } = slot?.state ?? {};
    const facts = { floor, activeDigest: active?.digest, manifest: slot?.active?.manifest };
    return verifyUpload(bytes, digest, this.policy, facts);
  }

  /** Runs a step, and also reports its error as the event `refused`. */
  async #refusing<T>(slot: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      this.events.emit('refused', { slot, ...asFailure(error) });
      throw error;
    }
  }

  /** Verifies a bundle from a wire and stages it. @throws as verifyUpload; RN802, RN804, RN805 */
  receive(bytes: Uint8Array, digest: string, name = 'main'): Promise<Stored> {
    return this.#refusing(name, async () => {
      const { name: called, version, sequence, keyId } = await this.#verify(bytes, digest, name);
      return this.#make(name).install(bytes, { name: called, version, sequence, ...(keyId && { keyId }) });
    });
  }

  /**
   * Verifies and checks a bundle without storing it: self-test and endurance run.
   * @throws as receive, and the failure of the check
   */
  examine(bytes: Uint8Array, digest: string, name = 'main', { hops = 512, seconds = 5 } = {}) {
    return this.#refusing(name, async () => {
      const { manifest, ...about } = await this.#verify(bytes, digest, name);
      const pool = this.#pool();
      this.#examining.add(pool);
      const check = await pool.check({ digest, wasm: bytes, manifest }, hops, seconds);
      this.#examining.delete(pool);
      await pool.stop();
      if ('code' in check) throw new RunletError(check.code, { what: check.why, where: `${about.name} ${about.version}` });
      return { slot: name, verified: about, check };
    });
  }

  /** Tries the staged bundle; see Slot.try. */
  try = (slot = 'main', options: Partial<TrialOptions> = {}): Promise<TrialReport> => this.find(slot).try(options);
  confirm = (slot = 'main'): Promise<TrialReport> => this.find(slot).confirm();
  rollBack = (slot = 'main'): Promise<void> => this.find(slot).rollBack();

  /**
   * Takes frames of a stream: whole ticks, in the layout of docs/gateway.md. The first frames create the
   * stream.
   * @returns the number of the next tick.
   * @throws RN805, RN813, RN842-RN847, RN876, and RN831 or another error of a module that has failed
   */
  push(id: string, bytes: Uint8Array, { slot: slotName, from, ...facts }: PushOptions = {}): number {
    const entry = this.entry(id, slotName);
    this.checkRuns(entry);
    const { slot, stream, tickBytes: width } = entry;
    const { next = 0, waiting = 0 } = stream ?? {};
    checkFrames(entry, bytes);
    const first = from ?? next;
    if (first > next)
      throw new RunletError('RN843', {
        what: 'frames are missing',
        where: `stream ${id}`,
        why: `the next tick is ${next}, and these begin with ${first}`,
        tryThis: 'send the missing ones first',
      });
    const fresh = bytes.subarray(Math.min(bytes.length, (next - first) * width));
    if (fresh.length === 0) return next;
    if (waiting * width + fresh.length > this.maxWaitingBytes)
      throw new RunletError('RN845', {
        what: 'frames arrive faster than they are processed',
        where: `stream ${id}`,
        why: `${waiting} ticks wait`,
        tryThis: 'send them again a little later',
      });
    return this.deliver(id, slot, fresh, facts);
  }

  /** Stores a label of a collected window. @throws RN802, RN813, RN874, RN877 */
  async label(slot: string, window: number, label: Label): Promise<void> {
    await this.collection.slot(slot).windows.label(window, label);
    await this.drift.labelled(slot, window);
  }

  /**
   * Returns the stream and slot for frames; creates neither. Its errors do not belong to the stream.
   * @throws RN805, RN813, RN846, RN847
   */
  entry(id: string, slotName?: string): Entry {
    const stream = this.#known(id, slotName);
    const name = stream?.slot ?? slotName ?? 'main';
    const slot = this.slots.get(name);
    if (!slot?.active) throw noBundle(name);
    if (!stream) {
      checkName('stream', id);
      if (this.streams.size >= this.#options.maxStreams)
        throw new RunletError('RN813', {
          what: 'there are too many streams',
          where: `stream ${id}`,
          why: `${this.streams.size} run`,
          tryThis: 'end some, or start the gateway with a larger --max-streams',
        });
    }
    const { manifest } = slot.active;
    return { id, slot, stream, manifest, tickBytes: stream ? stream.tickBytes : tickBytes(manifest) };
  }

  /** @throws RN876 if the stream has no positions left; RN830, RN831 or another if its module has failed */
  checkRuns({ id, stream }: Entry): void {
    if (stream?.failure) {
      const { code, why } = stream.failure;
      throw new RunletError(code, { what: 'the module of this stream has failed', where: id, why });
    }
    if (stream && stream.next > lastPosition)
      throw new RunletError('RN876', {
        what: 'the positions of this stream are used up',
        where: `stream ${id}`,
        why: `it is at ${stream.next}, and counts exactly up to 2^53`,
        tryThis: 'use another name for the stream',
      });
  }

  /**
   * Passes checked frames to a stream, and creates it if necessary.
   * @returns the number of the next tick.
   */
  deliver(id: string, slot: Slot, bytes: Uint8Array, facts: ChunkFacts): number {
    const stream = this.streams.get(id) ?? this.#begin(id, slot);
    stream.push(bytes, facts);
    return stream.next;
  }

  get maxWaitingBytes(): number {
    return this.#options.maxWaitingBytes;
  }

  /** Restarts the signal of a stream after `ticks` lost ticks. */
  reset(id: string, ticks: number): void {
    this.streams.get(id)?.reset(ticks);
  }

  /** Longest time that frames have been waiting for a thread, over all slots. */
  get lagMs(): number {
    return [...this.#pools.values()].reduce((longest, { run }) => Math.max(longest, run.lagMs), 0);
  }

  /** Returns a pool of one thread, for a bundle on trial. */
  #pool = (): Pool => new Pool({ ...this.#poolOptions, threads: 1, running: { threads: 0 } });

  /** Ends a stream. */
  closeStream(id: string): void {
    const stream = this.streams.get(id);
    if (!stream) return;
    stream.close();
    this.streams.delete(id);
    this.slots.get(stream.slot)?.streams.delete(id);
    this.events.emit('stream', { stream: id, slot: stream.slot, state: 'closed' });
  }

  /** Returns the latest outputs of a stream with a number above `after`. @throws RN848 */
  outputs(id: string, after = -1): GatewayEvents['output'][] {
    const stream = this.streams.get(id);
    if (stream) return stream.outputs(after);
    throw new RunletError('RN848', { what: 'there is no such stream', where: id, tryThis: 'send frames first' });
  }

  #known(id: string, slotName: string | undefined): Stream | undefined {
    const known = this.streams.get(id);
    if (known && slotName !== undefined && known.slot !== slotName)
      throw new RunletError('RN847', {
        what: 'this stream belongs to another slot',
        where: `stream ${id}`,
        why: `it runs in ${known.slot}, and the request names ${slotName}`,
        tryThis: 'use another name for the stream',
      });
    return known;
  }

  /** Continues a stream that another gateway had. Another layout of the state is warmed up by replay. */
  resume = ({ id, slot }: Entry, state: StreamState): Stream => this.#begin(id, slot, state);

  #begin(id: string, slot: Slot, state?: StreamState): Stream {
    const loaded = slot.active as Loaded;
    const events: StreamEvents = {
      range: (range) => this.events.emit('range', range),
      output: (output) => {
        slot.expect(output);
        this.events.emit('output', output);
      },
      failed: slot.failed.bind(slot),
    };
    const stream = new Stream(id, slot.name, tickBytes(loaded.manifest), events, state);
    const carried = state?.stateDigest === loaded.manifest.stateDigest ? state : undefined;
    stream.begin((this.#pools.get(slot.name) as Pools).run, loaded, carried);
    slot.streams.set(id, stream);
    this.streams.set(id, stream);
    this.events.emit('stream', { stream: id, slot: slot.name, state: 'opened' });
    return stream;
  }

  /** Returns the state of all slots as plain values. */
  status() {
    const { boots, crashes, safeMode } = this.store.state;
    const slots = [...this.slots.keys()].map((name) => this.slotStatus(name));
    return { boots, crashes, safeMode, insecureUnsigned: this.policy.insecureUnsigned, slots };
  }

  slotStatus(slotName: string) {
    const { name, state, report, streams, active } = this.find(slotName);
    return {
      slot: name,
      ...state,
      streams: streams.size,
      ...(report && { report }),
      ...(active && { signal: signalOf(active.manifest) }),
      ...(this.drift.slots.has(name) && { drift: this.drift.slots.get(name)?.status() }),
    };
  }

  /** Returns the state of all streams. */
  streamStatus() {
    return [...this.streams.values()].map(({ id, slot, next, sequence, waiting, failure }) => ({
      stream: id,
      slot,
      ticks: next,
      outputs: sequence,
      waiting,
      ...(failure && { failure }),
    }));
  }
}

export type SlotStatus = ReturnType<Gateway['slotStatus']>;
export type GatewayStatus = ReturnType<Gateway['status']>;

const noBundle = (slot: string): RunletError =>
  new RunletError('RN846', {
    what: 'no bundle runs here',
    where: `slot ${JSON.stringify(slot.slice(0, 64))}`,
    tryThis: 'runlet flash BUNDLE --to GATEWAY',
  });
