/**
 * Worker threads of one slot, which share its streams between them: each stream's frames go in, each of its
 * outputs comes out once, in order, whatever happens to the thread. Slots share no thread, so a module that
 * hangs keeps no other slot waiting.
 *
 * In: modules, logs of ticks, where in them to start.  Out: outputs, snapshots, failures. A stream's latest
 * snapshot is kept, and its log has the frames after it; when a thread is ended because of one module, the
 * others go on in a new thread from there, and outputs that had come already are dropped by their frame.
 * Frames that make no hop whole wait for those that do: a thread would have nothing to answer. A thread
 * begins with its first stream. A pool without streams ends its threads after a while.
 * Exact: a module is a function of state and frames. Cost: a snapshot every `snapshotHops` hops; frames of
 * all streams travel in one message while the thread is busy with the message before.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import { Lane } from './lane.ts';
import type { CheckResult, Failure, Reply, Start } from './messages.ts';
import type { TickLog } from './tick-log.ts';
import type { WorkerOptions } from './worker.ts';

/** A bundle that was verified, in memory. */
export interface Loaded {
  digest: string;
  wasm: Uint8Array;
  manifest: Manifest;
}

/** Where a module goes on. */
export interface Snapshot extends Start {
  /** The frame that comes next; without a state, `base`. */
  frame: number;
}

export interface InstanceEvents {
  /** An output fell due with the frame before `frame`; int8 of all outputs in turn. */
  /** `range`: of the input since the output before (range.ts). */
  output(frame: number, raw: Int8Array, ms: number, range: Float64Array): void;
  /** The module failed, and runs no more. */
  failed(failure: Failure): void;
}

export interface PoolOptions extends WorkerOptions {
  /** Upper bound of a pool's threads. Default: 1. */
  threads: number;
  /**
   * Threads of all pools that share this object. A pool may always have one; it starts others only while
   * fewer than `threads` run.
   */
  running: { threads: number };
  /** A pool without streams ends its threads after so long. */
  idleMs: number;
}

export const defaultPool: Omit<PoolOptions, 'running'> = { threads: 1, budgetMs: 2000, snapshotHops: 16, idleMs: 10_000 };

/** Threads that end in a row without an answer, in no module's call, before their streams are given up. */
const mostDeaths = 3;

interface Check {
  id: number;
  lane: Lane;
  loaded: Loaded;
  hops: number;
  seconds: number;
  done(result: CheckResult | Failure): void;
}

/** One stream under one module: a place in the stream's log, and the state that the module has had before. */
export class Instance {
  readonly key: number;
  readonly loaded: Loaded;
  readonly lane: Lane;
  readonly log: TickLog;
  readonly events: InstanceEvents;
  /** Where it goes on from if its thread ends. */
  start: Snapshot;
  /** Frames up to this one have been sent to the thread. */
  sent: number;
  /** The frame after which the next hop is whole; 0 where the thread has not told since the signal began. */
  due = 0;
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
    log: TickLog,
    start: Snapshot,
    given: number,
    events: InstanceEvents,
  ) {
    this.#pool = pool;
    this.key = key;
    this.lane = lane;
    this.loaded = loaded;
    this.log = log;
    this.start = start;
    this.given = given;
    this.taken = this.sent = start.frame;
    this.events = events;
  }

  /** Ticks that make no hop whole, and have not been sent. */
  get heldTicks(): number {
    return this.log.next < this.due ? this.log.next - this.sent : 0;
  }

  get lagMs(): number {
    return this.lane.lagMs;
  }

  /** Takes what is new in the log. */
  advance = (): void => this.#pool.advance(this);
  /**
   * The state after all frames that were pushed, once their outputs have come; undefined where the module has
   * failed.
   */
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
    return this.#lanes.reduce((most, lane) => Math.max(most, lane.lagMs), 0);
  }

  /** The thread with the fewest streams: a new one, if it may be. */
  #lane(): Lane {
    const [least] = this.#lanes.toSorted((a, b) => a.streams - b.streams);
    const { threads, running } = this.#options;
    const more = this.#lanes.length < threads && running.threads < threads;
    if (least && (least.streams === 0 || !more)) return least;
    const lane: Lane = new Lane(this.#options, {
      reply: (reply) => this.#take(reply),
      died: (key, failure, deaths) => this.#died(lane, key, failure, deaths),
    });
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
    await Promise.all(lanes.map((lane) => lane.stop()));
  }

  /**
   * Runs a module on a stream's log, from `start` on. Outputs that fall due up to frame `given` are dropped.
   */
  open(loaded: Loaded, log: TickLog, start: Snapshot, given: number, events: InstanceEvents): Instance {
    const instance = new Instance(this, ++this.#lastKey, this.#lane(), loaded, log, start, given, events);
    this.#instances.set(instance.key, instance);
    instance.lane.streams++;
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

  advance(instance: Instance): void {
    if (this.#instances.has(instance.key)) this.#send(instance, false);
  }

  snapshot(instance: Instance): Promise<Snapshot | undefined> {
    return new Promise((done) => {
      if (!this.#instances.has(instance.key)) return done(undefined);
      const id = ++this.#lastKey;
      instance.waiting.push({ id, done });
      this.#send(instance, true);
      instance.lane.send({ op: 'snapshot', key: instance.key, id });
    });
  }

  close(instance: Instance): void {
    if (!this.#drop(instance)) return;
    instance.lane.send({ op: 'close', key: instance.key });
    this.#forget(instance.lane);
  }

  async stop(): Promise<void> {
    for (const instance of this.#instances.values()) this.#drop(instance);
    clearTimeout(this.#idle);
    await this.#end();
  }

  #drop(instance: Instance): boolean {
    for (const { done } of instance.waiting.splice(0)) done(undefined);
    const was = this.#instances.delete(instance.key);
    if (was) instance.lane.streams--;
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
        lane.send({ op: 'forget', digest });
      }
  }

  #module(lane: Lane, { digest, wasm }: Loaded): void {
    if (lane.known.has(digest)) return;
    lane.known.add(digest);
    lane.send({ op: 'module', digest, wasm });
  }

  #begin(instance: Instance): void {
    const { key, lane, loaded, start, waiting } = instance;
    this.#module(lane, loaded);
    lane.send({ op: 'open', key, digest: loaded.digest, base: start.base, snapshot: start.snapshot });
    instance.sent = start.frame;
    instance.due = 0;
    this.#send(instance, false);
    for (const { id } of waiting) lane.send({ op: 'snapshot', key, id });
  }

  #beginCheck({ id, lane, loaded, hops, seconds }: Check): void {
    this.#module(lane, loaded);
    lane.send({ op: 'check', id, digest: loaded.digest, hops, seconds });
  }

  /** Sends what is new in the log; of its end, unless `all`, what makes a hop whole. */
  #send(instance: Instance, all: boolean): void {
    const { key, lane, log } = instance;
    const { hop } = instance.loaded.manifest;
    for (;;) {
      const { sent, due } = instance;
      const end = log.endOfRun(sent);
      const again = log.nextRun(sent);
      if (end > sent && (all || end >= due || again !== undefined)) {
        lane.sendTicks(key, log, sent, end);
        instance.sent = end;
        if (due > 0) instance.due = due + hop * Math.max(0, Math.floor((end - due) / hop) + 1);
      }
      if (again === undefined) return;
      lane.send({ op: 'gap', key, ticks: again - end });
      instance.sent = again;
      instance.due = 0;
    }
  }

  #take({ outputs, bytes, ranges, snapshots, taken, failures, checks }: Reply): void {
    let at = 0;
    let rangeAt = 0;
    const field = (i: number) => outputs[i] as number;
    for (let i = 0; i < outputs.length; i += 5) {
      const raw = new Int8Array(bytes.buffer, bytes.byteOffset + at, field(i + 3));
      const range = ranges.subarray(rangeAt, rangeAt + field(i + 4));
      at += raw.length;
      rangeAt += range.length;
      const frame = field(i + 1);
      const instance = this.#instances.get(field(i));
      if (!instance || frame <= instance.given) continue;
      instance.given = frame;
      instance.events.output(frame, raw, field(i + 2), range);
    }
    for (const { key, frame, base, snapshot, id } of snapshots) {
      const instance = this.#instances.get(key);
      if (!instance) continue;
      instance.start = { base, frame, snapshot };
      const waiting = instance.waiting.findIndex((one) => one.id === id);
      if (waiting >= 0) instance.waiting.splice(waiting, 1)[0]?.done(instance.start);
    }
    for (let i = 0; i < taken.length; i += 3) {
      const instance = this.#instances.get(taken[i] as number);
      if (!instance) continue;
      const frame = taken[i + 1] as number;
      instance.taken = Math.max(instance.taken, frame);
      // of frames that were sent later, hops may begin elsewhere
      if (frame === instance.sent) instance.due = taken[i + 2] as number;
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
  #died(lane: Lane, culprit: number, failure: Failure, deaths: number): void {
    const failed: Instance[] = [];
    const giveUp = culprit === 0 && deaths >= mostDeaths;
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
