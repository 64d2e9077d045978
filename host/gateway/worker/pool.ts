/**
 * Worker threads of one slot, which share its streams between them: each stream's frames go in, each of its outputs comes out once, in order, whatever
 * happens to the thread. Slots share no thread, so a module that hangs keeps no other slot waiting.
 *
 * In: modules, where their streams start, frames.  Out: outputs, snapshots, failures. A stream's latest snapshot and the frames after it are kept; when a
 * thread is ended because of one module, the others go on in a new thread from there, and outputs that had come already are dropped by their frame.
 * A thread begins with its first stream. A pool without streams ends its threads after a while.
 * Exact: a module is a function of state and frames. Cost: a snapshot every `snapshotHops` hops; frames of all streams travel in one message while the
 * thread is busy with the message before.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import type { CheckResult, Failure, Operation, Reply, Start } from './messages.ts';
import { Worker, type WorkerOptions } from './worker.ts';

/** A bundle that was verified, in memory. */
export interface Loaded {
  digest: string;
  wasm: Uint8Array;
  manifest: Manifest;
}

/** Ticks of a stream, in their place. */
export interface Chunk {
  /** The first tick's number, from the stream's beginning. */
  frame: number;
  ticks: number;
  bytes: Uint8Array;
  /** These ticks were lost, and the signal begins again after them. */
  reset?: boolean;
}

export interface Snapshot extends Required<Start> {
  /** The frame that comes next. */
  frame: number;
}

export interface InstanceEvents {
  /** An output fell due with the frame before `frame`; int8 of all outputs in turn. */
  output(frame: number, raw: Int8Array, ms: number, inputs: Float64Array): void;
  /** The module failed, and runs no more. */
  failed(failure: Failure): void;
}

export interface PoolOptions extends WorkerOptions {
  /** Upper bound of a pool's threads. Default: 1. */
  threads: number;
  /** Threads of all pools that share this object. A pool may always have one; it starts others only while fewer than `threads` run. */
  running: { threads: number };
  /** A pool without streams ends its threads after so long. */
  idleMs: number;
}

export const defaultPool: Omit<PoolOptions, 'running'> = { threads: 1, budgetMs: 2000, snapshotHops: 16, idleMs: 10_000 };

/** One message carries at most this much. */
const mostMessageBytes = 4 << 20;
/** Threads that end in a row without an answer, in no module's call, before their streams are given up. */
const mostDeaths = 3;

interface Lane {
  worker?: Worker;
  known: Set<string>;
  pending: { operation: Operation; bytes?: Uint8Array }[];
  /** Since when operations wait. */
  sinceMs: number;
  deaths: number;
}

interface Check {
  id: number;
  lane: Lane;
  loaded: Loaded;
  hops: number;
  seconds: number;
  done(result: CheckResult | Failure): void;
}

/** How long the operations wait that have waited longest. */
const lagOf = ({ pending, sinceMs }: Lane): number => (pending.length > 0 ? performance.now() - sinceMs : 0);

/** One stream under one module. */
export class Instance {
  readonly key: number;
  readonly loaded: Loaded;
  readonly lane: Lane;
  readonly events: InstanceEvents;
  /** Where it goes on from if its thread ends. */
  start: Start;
  kept: Chunk[] = [];
  /** Outputs up to this frame have been given. */
  given: number;
  /** Frames up to this one have been through the module. */
  taken: number;
  waiting: { id: number; done(snapshot: Snapshot | undefined): void }[] = [];
  #pool: Pool;

  constructor(
    pool: Pool,
    key: number,
    lane: Lane,
    loaded: Loaded,
    start: Start | Snapshot,
    given: number,
    events: InstanceEvents,
  ) {
    this.#pool = pool;
    this.key = key;
    this.lane = lane;
    this.loaded = loaded;
    this.start = start;
    this.given = given;
    this.taken = 'frame' in start ? start.frame : start.base;
    this.events = events;
  }

  get lagMs(): number {
    return lagOf(this.lane);
  }

  push = (chunk: Chunk): void => this.#pool.push(this, chunk);
  /** The state after all frames that were pushed, once their outputs have come; undefined where the module has failed. */
  snapshot = (): Promise<Snapshot | undefined> => this.#pool.snapshot(this);
  close = (): void => this.#pool.close(this);
}

export class Pool {
  #options: PoolOptions;
  #lanes: Lane[] = [];
  #idle?: NodeJS.Timeout;
  #instances = new Map<number, Instance>();
  #checks = new Map<number, Check>();
  #lastKey = 0;
  #scheduled = false;
  #stopped = false;

  constructor(options: Partial<PoolOptions> = {}) {
    this.#options = { ...defaultPool, running: { threads: 0 }, ...options };
  }

  /** How many streams run. */
  get size(): number {
    return this.#instances.size;
  }

  get threads(): number {
    return this.#lanes.length;
  }

  /** Of its thread with the longest one. */
  get lagMs(): number {
    return this.#lanes.reduce((most, lane) => Math.max(most, lagOf(lane)), 0);
  }

  /** The thread with the fewest streams: a new one, if it may be. */
  #lane(): Lane {
    const counts = new Map(this.#lanes.map((lane) => [lane, 0]));
    for (const { lane } of this.#instances.values()) counts.set(lane, (counts.get(lane) ?? 0) + 1);
    const [least] = [...counts].sort((a, b) => a[1] - b[1]);
    const { threads, running } = this.#options;
    const more = this.#lanes.length < threads && running.threads < threads;
    if (least && (least[1] === 0 || !more)) return least[0];
    const lane: Lane = { known: new Set(), pending: [], sinceMs: 0, deaths: 0 };
    this.#lanes.push(lane);
    running.threads++;
    return lane;
  }

  /** Threads of a pool that nobody uses end, after a while: streams may come back at once, as at a swap. */
  #rest(): void {
    if (this.#instances.size + this.#checks.size > 0 || this.#idle) return;
    this.#idle = setTimeout(() => {
      this.#idle = undefined;
      if (this.#instances.size + this.#checks.size === 0) void this.#end();
    }, this.#options.idleMs).unref();
  }

  async #end(): Promise<void> {
    const lanes = this.#lanes.splice(0);
    this.#options.running.threads -= lanes.length;
    await Promise.all(lanes.map(({ worker }) => worker?.stop()));
  }

  /** Runs a module for a stream. Outputs that fall due up to frame `given` are dropped. */
  open(loaded: Loaded, start: Start | Snapshot, given: number, events: InstanceEvents): Instance {
    const instance = new Instance(this, ++this.#lastKey, this.#lane(), loaded, start, given, events);
    this.#instances.set(instance.key, instance);
    this.#begin(instance);
    return instance;
  }

  /** The module's trial by itself (check.ts); a failure is a value. */
  check(loaded: Loaded, hops: number, seconds: number): Promise<CheckResult | Failure> {
    return new Promise((resolve) => {
      const id = ++this.#lastKey;
      const lane = this.#lanes[0] ?? this.#lane();
      const done = (result: CheckResult | Failure) => {
        this.#checks.delete(id);
        this.#forget(lane);
        this.#rest();
        resolve(result);
      };
      const check = { id, lane, loaded, hops, seconds, done };
      this.#checks.set(id, check);
      this.#beginCheck(check);
    });
  }

  push(instance: Instance, chunk: Chunk): void {
    if (!this.#instances.has(instance.key)) return;
    instance.kept.push(chunk);
    this.#sendFrames(instance, chunk);
  }

  snapshot(instance: Instance): Promise<Snapshot | undefined> {
    return new Promise((done) => {
      if (!this.#instances.has(instance.key)) return done(undefined);
      const id = ++this.#lastKey;
      instance.waiting.push({ id, done });
      this.#send(instance.lane, { op: 'snapshot', key: instance.key, id });
    });
  }

  close(instance: Instance): void {
    if (!this.#drop(instance)) return;
    this.#send(instance.lane, { op: 'close', key: instance.key });
    this.#forget(instance.lane);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const instance of this.#instances.values()) this.#drop(instance);
    clearTimeout(this.#idle);
    await this.#end();
  }

  #drop(instance: Instance): boolean {
    for (const { done } of instance.waiting.splice(0)) done(undefined);
    const was = this.#instances.delete(instance.key);
    this.#rest();
    return was;
  }

  /** A lane's thread keeps no module that nobody runs. */
  #forget(lane: Lane): void {
    const used = new Set(
      [...this.#instances.values(), ...this.#checks.values()].filter((i) => i.lane === lane).map((i) => i.loaded.digest),
    );
    for (const digest of lane.known)
      if (!used.has(digest)) {
        lane.known.delete(digest);
        this.#send(lane, { op: 'forget', digest });
      }
  }

  #module(lane: Lane, { digest, wasm }: Loaded): void {
    if (lane.known.has(digest)) return;
    lane.known.add(digest);
    this.#send(lane, { op: 'module', digest, wasm });
  }

  #begin(instance: Instance): void {
    const { key, lane, loaded, start, kept, waiting } = instance;
    this.#module(lane, loaded);
    this.#send(lane, { op: 'open', key, digest: loaded.digest, ...start });
    for (const chunk of kept) this.#sendFrames(instance, chunk);
    for (const { id } of waiting) this.#send(lane, { op: 'snapshot', key, id });
  }

  #beginCheck({ id, lane, loaded, hops, seconds }: Check): void {
    this.#module(lane, loaded);
    this.#send(lane, { op: 'check', id, digest: loaded.digest, hops, seconds });
  }

  #sendFrames({ key, lane }: Instance, { ticks, bytes, reset }: Chunk): void {
    if (reset) this.#send(lane, { op: 'gap', key, ticks });
    else this.#send(lane, { op: 'frames', key, at: 0, ticks }, bytes);
  }

  #send(lane: Lane, operation: Operation, bytes?: Uint8Array): void {
    if (lane.pending.length === 0) lane.sinceMs = performance.now();
    lane.pending.push({ operation, bytes });
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const each of this.#lanes) this.#flush(each);
    });
  }

  #flush(lane: Lane): void {
    if (this.#stopped || lane.worker?.busy || lane.pending.length === 0) return;
    lane.worker ??= this.#worker(lane);
    let total = 0;
    let count = 0;
    for (const { bytes } of lane.pending) {
      const padded = ((bytes?.length ?? 0) + 3) & ~3;
      if (count > 0 && total + padded > mostMessageBytes) break;
      total += padded;
      count++;
    }
    const frames = new Uint8Array(total);
    let at = 0;
    const operations = lane.pending.splice(0, count).map(({ operation, bytes }) => {
      if (operation.op !== 'frames' || !bytes) return operation;
      frames.set(bytes, at);
      const placed = { ...operation, at };
      at += (bytes.length + 3) & ~3;
      return placed;
    });
    lane.sinceMs = performance.now();
    lane.worker.send({ operations, frames: frames.buffer });
  }

  #worker(lane: Lane): Worker {
    return new Worker(this.#options, {
      reply: (reply) => {
        lane.deaths = 0;
        this.#take(reply);
        this.#flush(lane);
      },
      died: (key, failure) => this.#died(lane, key, failure),
    });
  }

  #take({ outputs, bytes, snapshots, taken, failures, checks }: Reply): void {
    let at = 0;
    for (const { key, frame, ms, raw: width, inputs } of outputs) {
      const raw = new Int8Array(bytes.buffer, bytes.byteOffset + at, width);
      at += width;
      const instance = this.#instances.get(key);
      if (!instance || frame <= instance.given) continue;
      instance.given = frame;
      instance.events.output(frame, raw, ms, inputs);
    }
    for (const { key, frame, base, snapshot, id } of snapshots) {
      const instance = this.#instances.get(key);
      if (!instance) continue;
      instance.start = { base, snapshot };
      while (instance.kept[0] && instance.kept[0].frame + instance.kept[0].ticks <= frame) instance.kept.shift();
      const waiting = instance.waiting.findIndex((one) => one.id === id);
      if (waiting >= 0) instance.waiting.splice(waiting, 1)[0]?.done({ base, snapshot, frame });
    }
    for (const { key, frame } of taken) {
      const instance = this.#instances.get(key);
      if (instance) instance.taken = Math.max(instance.taken, frame);
    }
    for (const { key, code, why } of failures) {
      const instance = this.#instances.get(key);
      if (!instance) continue;
      this.#drop(instance);
      this.#forget(instance.lane);
      instance.events.failed({ code, why });
    }
    for (const { id, result, failure } of checks) this.#checks.get(id)?.done((result ?? failure) as CheckResult | Failure);
  }

  /** A thread has ended: the module that it was in has failed, and all others go on in a new one. */
  #died(lane: Lane, culprit: number, failure: Failure): void {
    lane.worker = undefined;
    lane.known.clear();
    lane.pending = [];
    lane.deaths++;
    if (this.#stopped) return;
    const failed: Instance[] = [];
    const giveUp = culprit === 0 && lane.deaths >= mostDeaths;
    for (const instance of this.#instances.values()) {
      if (instance.lane !== lane) continue;
      if (instance.key === culprit || giveUp) failed.push(instance);
      else this.#begin(instance);
    }
    for (const check of this.#checks.values()) {
      if (check.lane !== lane) continue;
      if (check.id === -culprit || giveUp) check.done(failure);
      else this.#beginCheck(check);
    }
    for (const instance of failed) {
      this.#drop(instance);
      instance.events.failed(failure);
    }
  }
}
