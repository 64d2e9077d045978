/**
 * Stream: the numbered frames and outputs of one signal, and the module that runs it.
 *
 * In: ticks, numbered from 0.  Out: outputs, numbered from 0 across all swaps of the module.
 * Rule: one log keeps the newest part of the signal, and every module has its own position in it. So another
 * module can be warmed up by replay.
 * Exact: if the state carries over, the outputs are those of an uninterrupted run.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import { framesNeeded } from '../../../assembly/bundle/timing.ts';
import type { Failure } from '../worker/messages.ts';
import type { Instance, InstanceEvents, Loaded, Pool, Snapshot } from '../worker/pool.ts';
import { TickLog } from '../worker/tick-log.ts';
import { Arrivals } from './arrivals.ts';
import { faultOf, type OutputEvent, type RangeEvent } from './events.ts';
import { OutputLog } from './output-log.ts';
import { valuesOf } from './values.ts';

/** How a module got its state on a stream: from the old module, from its trial, or by replay. */
export type Carried = 'state' | 'trial' | 'replay';

export interface StreamEvents {
  output(output: OutputEvent): void;
  range(range: RangeEvent): void;
  failed(stream: Stream, loaded: Loaded, failure: Failure): void;
}

/** Facts about the ticks of one message. */
export interface ChunkFacts {
  /** The sender's timestamp of the first tick. */
  timestampMs?: number;
  /** True if the ticks replace lost ones. */
  filled?: boolean;
}

/** A stream between two of its ticks: all that another stream needs to continue it. */
export interface StreamState {
  /** Digest of the state's layout (docs/manifest.md), and the state of the module. */
  stateDigest: string;
  base: number;
  snapshot: Uint8Array;
  /** Number of the next tick, and of the next output. */
  frame: number;
  sequence: number;
  filled: [from: number, to: number][];
  /** The newest ticks before `frame`, from which a module with another layout is warmed up. */
  signal: { origin: number; from: number; bytes: Uint8Array };
}

/** Smallest number of ticks that the log keeps. A choice. */
const keptTicks = 1024;
/** Number of ticks from which any module of a slot can be warmed up. */
const keptFor = (manifest: Manifest): number => 2 * framesNeeded(manifest) + manifest.hop;

export class Stream {
  readonly id: string;
  readonly slot: string;
  /** Number of the next output. */
  sequence = 0;
  /** All outputs that are due up to this frame have been emitted. */
  given = 0;
  /** Time of the latest frames, in milliseconds since 1970. */
  touchedMs = Date.now();
  failure?: Failure;
  closed = false;
  instance?: Instance;
  /** The module on trial, which runs in parallel. */
  shadow?: Instance;
  /** True during a swap, while frames wait. */
  holding = false;
  #log: TickLog;
  #outputs = new OutputLog();
  #arrivals = new Arrivals();
  #filled: [from: number, to: number][] = [];
  #events: StreamEvents;

  /** @param state that the stream continues; `begin` then takes its snapshot */
  constructor(id: string, slot: string, tickBytes: number, events: StreamEvents, state?: StreamState) {
    this.id = id;
    this.slot = slot;
    this.#events = events;
    this.#log = new TickLog(tickBytes, state?.signal.from, state?.signal.origin);
    if (!state) return;
    this.#log.append(state.signal.bytes);
    [this.given, this.sequence, this.#filled] = [state.frame, state.sequence, [...state.filled]];
  }

  /**
   * Resolves with the state after all ticks so far, once their outputs are emitted. Undefined if there is
   * none: the module has failed or is being replaced.
   */
  async state(): Promise<StreamState | undefined> {
    const { instance, next: frame } = this;
    if (!instance || this.holding) return undefined;
    const { manifest } = instance.loaded;
    const from = Math.min(frame, Math.max(this.#log.first, this.#log.beginOfRun(frame), frame - keptFor(manifest)));
    const signal = { origin: this.#log.beginOfRun(frame), from, bytes: new Uint8Array((frame - from) * this.tickBytes) };
    if (from < frame) this.#log.copy(from, frame, signal.bytes, 0);
    const filled = this.#filled.map(([a, b]): [number, number] => [a, b]);
    const found = await instance.snapshot();
    const later = this.#outputs.dueAfter(frame);
    if (!found?.snapshot || found.frame !== frame || later === undefined) return undefined;
    const { base, snapshot } = found;
    return { stateDigest: manifest.stateDigest, base, snapshot, frame, sequence: this.sequence - later, filled, signal };
  }

  get tickBytes(): number {
    return this.#log.tickBytes;
  }

  /** Number of the next tick. */
  get next(): number {
    return this.#log.next;
  }

  /** Number of ticks that wait for the module. */
  get waiting(): number {
    return this.next - Math.max(this.instance?.taken ?? 0, this.given) - (this.instance?.heldTicks ?? 0);
  }

  /** Time that frames have been waiting for the thread of the module. */
  get lagMs(): number {
    return this.instance?.lagMs ?? 0;
  }

  /** Returns the newest outputs with a number above `after`. */
  outputs = (after = -1): OutputEvent[] => this.#outputs.after(after, this.id, this.slot);

  /**
   * Copies ticks [from, to) of the signal, with up to `around` ticks on each side if they are there.
   * @returns the first tick and the bytes; undefined if a tick of [from, to) was lost or is no longer kept
   */
  signal(from: number, to: number, around: number): { from: number; bytes: Uint8Array } | undefined {
    const span = this.#log.span(from, to, around);
    if (!span) return undefined;
    const bytes = new Uint8Array((span[1] - span[0]) * this.tickBytes);
    this.#log.copy(span[0], span[1], bytes, 0);
    return { from: span[0], bytes };
  }

  push(bytes: Uint8Array, { timestampMs, filled }: ChunkFacts = {}): void {
    const first = this.next;
    this.touchedMs = Date.now();
    this.#log.append(bytes);
    this.#arrivals.add(first, this.next, performance.now(), timestampMs);
    if (filled) this.#filled.push([first, this.next]);
    this.#advance();
  }

  /** Restarts the signal after `ticks` lost ticks. */
  reset(ticks: number): void {
    this.#log.gap(ticks);
    this.#advance();
  }

  #advance(): void {
    if (!this.holding) this.instance?.advance();
    this.shadow?.advance();
    this.#trim();
  }

  /**
   * Removes ticks that no future output needs. Ticks that the module has taken also move the limit, because a
   * signal that restarts again and again gives no outputs.
   */
  #trim(): void {
    const { instance, shadow } = this;
    // a swap may replay from an older snapshot
    if (!instance || this.holding) return;
    const { manifest } = instance.loaded;
    const done = Math.max(this.given, instance.taken - framesNeeded(manifest));
    const oldest = done - Math.max(keptFor(manifest), keptTicks);
    this.#log.forget(Math.min(oldest, instance.start.frame, shadow?.start.frame ?? oldest));
    this.#arrivals.forget(done);
    while (this.#filled[0] && this.#filled[0][1] <= oldest) this.#filled.shift();
  }

  /** Starts a module from a snapshot, or by replay of the log. Outputs are not emitted twice. */
  begin(pool: Pool, loaded: Loaded, snapshot?: Snapshot): void {
    const instance: Instance = this.open(pool, loaded, snapshot, this.given, {
      output: (frame, raw, ms, range) => {
        try {
          this.#output(loaded, frame, raw, ms);
          this.#events.range({ slot: this.slot, range });
        } catch (error) {
          // a bug of the gateway ends this stream only; it must not stop the handling of the thread's reply
          instance.close();
          if (this.instance === instance) this.#events.failed(this, loaded, faultOf(error));
        }
      },
      failed: (failure) => {
        if (this.instance === instance) this.#events.failed(this, loaded, failure);
      },
    });
    this.instance = instance;
  }

  /** Starts a module in parallel, from a snapshot or else by replay from as far back as it needs. */
  open(pool: Pool, loaded: Loaded, snapshot: Snapshot | undefined, given: number, events: InstanceEvents): Instance {
    const base = snapshot ? snapshot.base : this.replayBase(loaded.manifest);
    return pool.open(loaded, this.#log, snapshot ?? { base, frame: base }, given, events);
  }

  /** Returns the latest hop boundary of the module from which a replay gives all outputs not yet emitted. */
  replayBase(manifest: Manifest): number {
    const { hop } = manifest;
    const wanted = this.given + 1 - framesNeeded(manifest);
    const { first } = this.#log;
    // a module counts its hops from the start of the run
    const at = Math.max(this.given, first);
    const origin = this.#log.beginOfRun(at);
    const base = origin + hop * Math.max(Math.floor((wanted - origin) / hop), Math.ceil((first - origin) / hop), 0);
    return base < this.#log.endOfRun(at) ? base : (this.#log.nextRun(at) ?? base);
  }

  #output(loaded: Loaded, frame: number, raw: Int8Array, pushMs: number): void {
    this.given = frame;
    const { digest, manifest } = loaded;
    const now = performance.now();
    const { atMs = now, first = frame - 1, timestampMs: began } = this.#arrivals.of(frame) ?? {};
    const latencyMs = now - atMs;
    const rate = manifest.sampleRateHz;
    const timestampMs = began === undefined ? undefined : began + (rate ? (1000 * (frame - 1 - first)) / rate : 0);
    const filled = this.#filledIn(frame - manifest.delayFrames - manifest.window, frame - manifest.delayFrames);
    const values = valuesOf(manifest, raw);
    const { id: stream, slot } = this;
    const output = {
      stream,
      slot,
      sequence: this.sequence++,
      frame,
      digest,
      raw,
      values,
      pushMs,
      latencyMs,
      timestampMs,
      filled,
    };
    this.#outputs.add(output, loaded);
    this.#trim();
    this.#events.output(output);
  }

  #filledIn(from: number, to: number): number {
    while (this.#filled[0] && this.#filled[0][1] <= from) this.#filled.shift();
    return this.#filled.reduce((sum, [a, b]) => sum + Math.max(0, Math.min(b, to) - Math.max(a, from)), 0);
  }

  close(): void {
    this.closed = true;
    this.instance?.close();
    this.shadow?.close();
    this.instance = undefined;
    this.shadow = undefined;
  }
}

/**
 * Replaces the module of a running stream. No frame and no output is lost or repeated.
 * @returns how the new module got its state.
 */
export async function swap(stream: Stream, pool: Pool, next: Loaded): Promise<Carried> {
  const { instance: old, shadow } = stream;
  stream.holding = true;
  const same = old?.loaded.manifest.stateDigest === next.manifest.stateDigest;
  // the old module's snapshot arrives after the last of its outputs
  const [state, tried] = await Promise.all([
    old?.snapshot(),
    shadow?.loaded.digest === next.digest ? shadow.snapshot() : undefined,
  ]);
  const snapshot = same ? (state ?? tried) : tried;
  old?.close();
  stream.holding = false;
  if (!stream.closed) stream.begin(pool, next, snapshot);
  stream.failure = undefined;
  return snapshot ? (snapshot === state ? 'state' : 'trial') : 'replay';
}
