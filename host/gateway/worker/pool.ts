/**
 * Pool: the worker threads that run the streams of one slot. Every output of a stream is emitted once and in
 * order, even if its thread ends. Slots do not share threads, so a module that hangs affects only its slot.
 *
 * In: modules, logs of ticks, start positions in them.  Out: outputs, snapshots, failures.
 * Rule: the pool keeps the latest snapshot of a stream, and the log keeps the frames after it. If a module
 * ends its thread, the other streams continue in a new thread from their snapshots; outputs that were already
 * emitted are dropped. Frames are sent once they complete a hop, because before that there is no output. A
 * thread starts with its first stream, and a pool without streams ends its threads after `idleMs`.
 * Exact: a module's outputs depend only on state and frames. Cost: a snapshot every `snapshotHops` hops.
 * While a thread is busy, the frames of all its streams are collected in one message.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import { Lane } from './lane.ts';
import type { CheckResult, Failure, Reply, Start } from './messages.ts';
import type { TickLog } from './tick-log.ts';
import type { WorkerOptions } from './worker.ts';

/** A verified bundle in memory. */
export interface Loaded {
  digest: string;
  wasm: Uint8Array;
  manifest: Manifest;
}

/** Position from which a module can continue. */
export interface Snapshot extends Start {
  /** Number of the next frame; equal to `base` if there is no state. */
  frame: number;
}

export interface InstanceEvents {
  /**
   * An output is due with the frame before `frame`. @param raw stored bytes of all outputs, one after the
   * other. @param range range of the input since the previous output (range.ts).
   */
  output(frame: number, raw: Int8Array, ms: number, range: Float64Array): void;
  /** The module has failed and no longer runs. */
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
  /** Time after which a pool without streams ends its threads, in milliseconds. */
  idleMs: number;
}

export const defaultPool: Omit<PoolOptions, 'running'> = { threads: 1, budgetMs: 2000, snapshotHops: 16, idleMs: 10_000 };

/** Number of consecutive thread deaths outside a module's call after which a stream is closed. A choice. */
const maxDeaths = 3;

interface Check {
  id: number;
  lane: Lane;
  loaded: Loaded;
  hops: number;
  seconds: number;
  done(result: CheckResult | Failure): void;
}

/** A module on a stream: its position in the stream's log, and its latest snapshot. */
export class Instance {
  readonly key: number;
  readonly loaded: Loaded;
  readonly lane: Lane;
  readonly log: TickLog;
  readonly events: InstanceEvents;
  /** Snapshot from which the instance continues if its thread ends. */
  start: Snapshot;
  /** Number of the next frame to send to the thread. */
  sent: number;
  /** Number of the frame after the next whole hop; 0 until the thread reports it for the current run. */
  due = 0;
  /** All outputs that are due up to this frame have been emitted. */
  given: number;
  /** Number of the next frame that the module will take. */
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

  /** Number of ticks that have not been sent because they do not complete a hop. */
  get heldTicks(): number {
    return this.log.next < this.due ? this.log.next - this.sent : 0;
  }

  get lagMs(): number {
    return this.lane.lagMs;
  }

  /** Sends new frames of the log. */
  advance = (): void => this.#pool.advance(this);
  /** Resolves, after all outputs so far, with the state; with undefined if the module has failed. */
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

  /** Number of streams that run. */
  get size(): number {
    return this.#instances.size;
  }

  get threads(): number {
    return this.#lanes.length;
  }

  /** Longest time that an operation has been waiting for a thread. */
  get lagMs(): number {
    return this.#lanes.reduce((longest, lane) => Math.max(longest, lane.lagMs), 0);
  }

  /** Returns a thread without streams, else a new one if allowed, else the one with the fewest streams. */
  #lane(): Lane {
    const [emptiest] = this.#lanes.toSorted((a, b) => a.streams - b.streams);
    const { threads, running } = this.#options;
    const canGrow = this.#lanes.length < threads && running.threads < threads;
    if (emptiest && (emptiest.streams === 0 || !canGrow)) return emptiest;
    const lane: Lane = new Lane(this.#options, {
      reply: (reply) => this.#take(reply),
      died: (key, failure, deaths) => this.#died(lane, key, failure, deaths),
    });
    this.#lanes.push(lane);
    running.threads++;
    return lane;
  }

  /** Ends the threads of an unused pool after idleMs; a swap, for example, soon opens streams again. */
  #endWhenIdle(): void {
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

  /** Runs a module on a stream's log from `start` on. Drops outputs that are due up to frame `given`. */
  open(loaded: Loaded, log: TickLog, start: Snapshot, given: number, events: InstanceEvents): Instance {
    const instance = new Instance(this, ++this.#lastKey, this.#lane(), loaded, log, start, given, events);
    this.#instances.set(instance.key, instance);
    instance.lane.streams++;
    this.#begin(instance);
    return instance;
  }

  /** Checks a module (check.ts). Resolves with the result or the failure. */
  check(loaded: Loaded, hops: number, seconds: number): Promise<CheckResult | Failure> {
    return new Promise((resolve) => {
      const id = ++this.#lastKey;
      const lane = this.#lanes[0] ?? this.#lane();
      const done = (result: CheckResult | Failure) => {
        this.#checks.delete(id);
        this.#forget(lane);
        this.#endWhenIdle();
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
    this.#endWhenIdle();
    return was;
  }

  /** Removes the modules that no stream or check uses from a lane's thread. */
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

  /** Sends new ticks of the log. Unless `all`, the newest ticks are sent only once they complete a hop. */
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
      // if more frames were sent since, a gap among them may have moved the hops
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

  /** Handles the end of a thread: the module that was running has failed, and all others are restarted. */
  #died(lane: Lane, culprit: number, failure: Failure, deaths: number): void {
    const failed: Instance[] = [];
    const giveUp = culprit === 0 && deaths >= maxDeaths;
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
