/**
 * One stream: its frames by number, its outputs by number, and the module that runs it.
 *
 * In: chunks of ticks, numbered from 0.  Out: outputs, numbered from 0 across all swaps of the module. The signal's newest part is kept, so that
 * another module can be warmed up by replay. Exact: where the state carries over, outputs are those of an uninterrupted run.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import { compact } from '../worker/frames.ts';
import type { Failure } from '../worker/messages.ts';
import type { Chunk, Instance, Loaded, Pool, Snapshot } from '../worker/pool.ts';
import { faultOf, type OutputEvent, type RangeEvent } from './events.ts';
import { OutputLog } from './output-log.ts';
import { valuesOf } from './values.ts';

/** Ticks that must have passed until a module gives its first output. */
export const ticksNeeded = ({ window, delayFrames, warmUpHops, hop }: Manifest): number =>
  window + delayFrames + warmUpHops * hop;

/** How a module began on a stream. */
export type Carried = 'state' | 'trial' | 'replay';

export interface StreamEvents {
  output(output: OutputEvent): void;
  range(range: RangeEvent): void;
  failed(stream: Stream, loaded: Loaded, failure: Failure): void;
}

/** What is known of a chunk of ticks. */
export interface ChunkFacts {
  /** Of its first tick. */
  timestampMs?: number;
  /** Made up, for ticks that were lost. */
  filled?: boolean;
}

/** Ticks that are kept at least. */
const keptTicks = 1024;

export class Stream {
  readonly id: string;
  readonly slot: string;
  /** Number of the tick that comes next. */
  next = 0;
  /** Number of the output that comes next. */
  sequence = 0;
  /** Outputs due up to this frame have been given. */
  given = 0;
  /** Wall clock of the latest frames, for those who tidy up. */
  touchedMs = Date.now();
  failure?: Failure;
  closed = false;
  instance?: Instance;
  /** The module on trial beside it. */
  shadow?: Instance;
  /** Frames wait: the module is being swapped. */
  holding = false;
  #outputs = new OutputLog();
  #kept: Chunk[] = [];
  #arrivals: { first: number; frame: number; atMs: number; timestampMs?: number }[] = [];
  #filled: [from: number, to: number][] = [];
  /** Frames where the signal began, and began again; the kept part's. */
  #origins = [0];
  #events: StreamEvents;

  constructor(id: string, slot: string, events: StreamEvents) {
    this.id = id;
    this.slot = slot;
    this.#events = events;
  }

  /** Ticks that wait for the module. */
  get waiting(): number {
    return this.next - Math.max(this.instance?.taken ?? 0, this.given) - (this.instance?.heldTicks ?? 0);
  }

  /** How long frames wait for the thread of its module. */
  get lagMs(): number {
    return this.instance?.lagMs ?? 0;
  }

  /** The newest outputs, of those with a number above `after`. */
  outputs = (after = -1): OutputEvent[] => this.#outputs.after(after, this.id, this.slot);

  push(bytes: Uint8Array, ticks: number, { timestampMs, filled }: ChunkFacts = {}): void {
    const first = this.next;
    this.touchedMs = Date.now();
    this.#arrivals.push({ first, frame: first + ticks, atMs: performance.now(), timestampMs });
    if (filled) this.#filled.push([first, first + ticks]);
    // the chunk is kept, and with it all of its buffer
    this.#push({ frame: first, ticks, bytes: compact(bytes) });
  }

  /** So many ticks were lost, and the signal begins again. */
  reset(ticks: number): void {
    this.#origins.push(this.next + ticks);
    this.#push({ frame: this.next, ticks, bytes: new Uint8Array(), reset: true });
  }

  #push(chunk: Chunk): void {
    this.next += chunk.ticks;
    this.#kept.push(chunk);
    if (!this.holding) this.instance?.push(chunk);
    this.shadow?.push(chunk);
    this.#trim();
  }

  /** Forgets what no output needs that is still to come. A signal that begins again and again gives no output, so what was taken counts as well. */
  #trim(): void {
    const { instance } = this;
    if (!instance) return;
    const { manifest } = instance.loaded;
    const needed = ticksNeeded(manifest);
    const done = Math.max(this.given, instance.taken - needed);
    const oldest = done - Math.max(2 * needed + manifest.hop, keptTicks);
    for (let first = this.#kept[0]; first && first.frame + first.ticks <= oldest; first = this.#kept[0]) this.#kept.shift();
    while (this.#arrivals[0] && this.#arrivals[0].frame <= done) this.#arrivals.shift();
    while (this.#filled[0] && this.#filled[0][1] <= oldest) this.#filled.shift();
    while ((this.#origins[1] ?? done) <= oldest) this.#origins.shift();
  }

  /** Runs a module from where a snapshot is, or by replay of the signal that is kept; outputs that were given are not given again. */
  begin(pool: Pool, loaded: Loaded, snapshot?: Snapshot): void {
    const { manifest } = loaded;
    const instance: Instance = pool.open(loaded, snapshot ?? { base: this.replayBase(manifest) }, this.given, {
      output: (frame, raw, ms, range) => {
        try {
          this.#output(loaded, frame, raw, ms);
          this.#events.range({ slot: this.slot, range });
        } catch (error) {
          // a fault of the gateway ends this stream's run, and does not reach the thread's messages
          instance.close();
          if (this.instance === instance) this.#events.failed(this, loaded, faultOf(error));
        }
      },
      failed: (failure) => {
        if (this.instance === instance) this.#events.failed(this, loaded, failure);
      },
    });
    this.instance = instance;
    this.replay(instance, snapshot?.frame);
  }

  /** Pushes the kept signal from a frame on (default: from where the instance begins). */
  replay(instance: Instance, from = instance.start.base): void {
    for (const { frame, ticks, bytes, reset } of this.#kept) {
      const width = bytes.length / ticks;
      if (frame + ticks <= from) continue;
      const cut = Math.max(0, from - frame);
      instance.push({ frame: frame + cut, ticks: ticks - cut, bytes: cut ? bytes.subarray(cut * width) : bytes, reset });
    }
  }

  /** The latest frame from which a module, begun there on its own grid of hops, gives all outputs that are still to come. */
  replayBase({ hop, ...manifest }: Manifest): number {
    const wanted = this.given + 1 - ticksNeeded({ hop, ...manifest });
    const oldest = this.#kept[0]?.frame ?? this.next;
    // a module counts its hops from where the signal began
    const origin = this.#origins.findLast((frame) => frame <= Math.max(this.given, oldest)) ?? 0;
    return origin + Math.max(Math.floor((wanted - origin) / hop), Math.ceil((oldest - origin) / hop), 0) * hop;
  }

  #output(loaded: Loaded, frame: number, raw: Int8Array, pushMs: number): void {
    this.given = frame;
    const { digest, manifest } = loaded;
    const now = performance.now();
    // the chunk that the output's last frame came in
    while (this.#arrivals[0] && this.#arrivals[0].frame < frame) this.#arrivals.shift();
    const { atMs = now, first = frame - 1, timestampMs: began } = this.#arrivals[0] ?? {};
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

/** Puts another module under a running stream: no frame and no output is lost or comes twice. @returns how it began */
export async function swap(stream: Stream, pool: Pool, next: Loaded): Promise<Carried> {
  const { instance: old, shadow } = stream;
  stream.holding = true;
  const same = old?.loaded.manifest.stateDigest === next.manifest.stateDigest;
  // the old module's state comes after the last of its outputs
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
