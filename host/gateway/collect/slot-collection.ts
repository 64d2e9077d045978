/**
 * SlotCollection: chooses windows of one slot by its policies, copies them from the signal, and stores them.
 *
 * In: outputs, comparisons of a trial, drifts, requests.  Out: windows on the disk; counters.
 * Rule: an output is never held up. When it comes, only the policies run; the signal is copied and written
 * later. What cannot be kept up with, does not fit, or fails on the disk, is counted and forgotten.
 * Memory: at most `maxPending` chosen outputs, and `maxQueuedBytes` of windows on their way to the disk.
 */
import { randomInt } from 'node:crypto';
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import { isRunletError } from '../../../models/error.ts';
import { Budget, RandomShare, UncertainWithin } from '../../learn/policies.ts';
import { type Reason, reasons } from '../../learn/reasons.ts';
import type { ComparedEvent, OutputEvent } from '../hub/events.ts';
import type { Stream } from '../hub/stream.ts';
import { Asked, Disagree, marginOf, uncertaintyAt, withinDay } from './policies.ts';
import { portOf, type WindowRecord } from './record.ts';
import type { Settings } from './settings.ts';
import type { Windows } from './windows.ts';

/** What became of chosen outputs. */
interface CollectCounts {
  collected: Record<Reason, number>;
  /** The disk failed or was full. */
  disk: number;
  /** Too many windows were on their way to the disk. */
  busy: number;
  /** The slot's room is used up by more useful windows. */
  room: number;
  /** The stream had lost a part of the window, or no longer had it. */
  gone: number;
  /** The window is larger than `maxSignalBytes`. */
  large: number;
  /** Devices sent more windows than the settings allow. */
  budget: number;
}
export const lossKinds = ['disk', 'busy', 'room', 'gone', 'large', 'budget'] as const;
type Loss = (typeof lossKinds)[number];

/** Choices. */
const maxPending = 256;
const maxQueuedBytes = 16 << 20;
/** Largest signal of one window, in bytes: it must fit into one answer of the API. */
const maxSignalBytes = 2 << 20;
/** Time to wait for the signal after a window, if the stream has stopped, in milliseconds. */
const patienceMs = 2000;
/** Number of outputs that the search for a compared one goes back. */
const searchedOutputs = 64;

/** A chosen output that waits for the signal after its window. */
interface Pending {
  stream: Stream;
  manifest: Manifest;
  output: Omit<OutputEvent, 'values'>;
  timeMs: number;
  /** It is ready when this tick has arrived, or at this time. */
  dueTick: number;
  dueMs: number;
  why: Set<Reason>;
  extra: Pick<WindowRecord, 'margin' | 'why' | 'other' | 'otherDigest'>;
}

/** Returns the ticks around a window that a replay of it needs (judge/replay.ts); at least a hop. */
const aroundOf = ({ hop, delayFrames, warmUpHops }: Manifest): number => Math.max(hop, delayFrames, warmUpHops * hop);

export class SlotCollection {
  readonly windows: Windows;
  readonly counts: CollectCounts;
  readonly asked = new Asked();
  #fault: (error: unknown) => void;
  #settings?: Settings;
  #uncertain?: UncertainWithin;
  #random?: RandomShare;
  #disagree?: Disagree;
  #drift?: Budget;
  #device?: Budget;
  #pending = new Map<string, Pending[]>();
  #pendings = 0;
  #queuedBytes = 0;
  #scheduled = false;
  #timer?: NodeJS.Timeout;
  #writes: Promise<unknown> = Promise.resolve();

  /** @param fault reports a bug of the gateway */
  constructor(windows: Windows, fault: (error: unknown) => void) {
    this.windows = windows;
    this.#fault = fault;
    const none = Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<Reason, number>;
    this.counts = { collected: none, disk: 0, busy: 0, room: 0, gone: 0, large: 0, budget: 0 };
  }

  /** The settings; undefined while collection is off. */
  get settings(): Settings | undefined {
    return this.#settings;
  }

  /** Turns collection on, or off without settings. The policies start afresh. */
  use(settings: Settings | undefined): void {
    const { uncertain, random, disagree, drift, device } = settings ?? {};
    this.#settings = settings;
    this.#uncertain = uncertain && new UncertainWithin(withinDay(uncertain.perDay));
    this.#random = random && new RandomShare(random.share, random.seed ?? randomInt(1, 2 ** 31));
    this.#disagree = disagree && new Disagree(disagree.perDay);
    this.#drift = drift && new Budget(withinDay(drift.perDay));
    this.#device = device && new Budget(withinDay(device.perDay));
    if (!settings) this.#forgetPending();
  }

  /** Takes an output of a stream of this slot. */
  output(output: OutputEvent, stream: Stream): void {
    if (!this.#settings) return;
    const nowMs = Date.now();
    // every policy sees every output, so that the share of `random` does not depend on the others
    const random = this.#random?.take() ?? false;
    const margin = this.#uncertain && marginOf(output.values, this.#settings.uncertain?.cutoff);
    const uncertain = margin !== undefined && (this.#uncertain?.take(uncertaintyAt(margin), nowMs) ?? false);
    const asked = this.asked.chooses(output.stream);
    if (random) this.#choose(output, stream, 'random', { margin });
    if (uncertain) this.#choose(output, stream, 'uncertain', { margin });
    if (asked) this.#choose(output, stream, 'asked', { margin });
    const [first] = this.#pending.get(output.stream) ?? [];
    if (first && first.dueTick <= stream.next) this.#schedule();
  }

  /** Takes a pair of outputs of the running bundle and the one on trial. */
  compared({ frame, digest, mine, theirs }: ComparedEvent, stream: Stream): void {
    if (!this.#disagree?.chooses(mine, theirs, Date.now())) return;
    const output = stream.outputs(stream.sequence - searchedOutputs).find((one) => one.frame === frame);
    const values = Float32Array.from(mine.flatMap((part) => [...part]));
    const other = new Uint8Array(values.buffer);
    if (output) this.#choose(output, stream, 'disagree', { other, otherDigest: digest });
  }

  /** Takes the report that the signal of a stream has drifted: keeps the window of its latest output. */
  drift(stream: Stream, why: string): void {
    const output = stream.outputs(stream.sequence - 2).at(-1);
    if (output && this.#drift?.take(Date.now())) this.#choose(output, stream, 'drift', { why: why.slice(0, 200) });
  }

  /** Takes a window that a device chose. @returns false if it is not kept, which is counted */
  device(window: WindowRecord): boolean {
    const loss = this.#lossOfDevice(window);
    this.#lose(loss);
    if (!loss && this.#settings) this.#write(this.#settings, window);
    return loss === undefined;
  }

  #lossOfDevice({ signal }: WindowRecord): Loss | undefined {
    if (signal.length > maxSignalBytes) return 'large';
    if (this.#queuedBytes + signal.length > maxQueuedBytes) return 'busy';
    return this.#device?.take(Date.now()) ? undefined : 'budget';
  }

  /** Deletes windows that are too old. Without settings those of the last settings count. */
  tidy = (limits: Settings, nowMs: number): Promise<number> => this.windows.tidy(limits, nowMs);

  /** Resolves when no window is on its way to the disk. */
  async settled(): Promise<void> {
    while (this.#pendings > 0 || this.#queuedBytes > 0) {
      await this.#writes;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async close(): Promise<void> {
    this.use(undefined);
    await this.#writes;
  }

  #forgetPending(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending.clear();
    this.#pendings = 0;
  }

  #choose({ values: _, ...output }: OutputEvent, stream: Stream, reason: Reason, extra: Pending['extra']): void {
    const waiting = this.#pending.get(output.stream) ?? [];
    const known = waiting.find((one) => one.output.sequence === output.sequence);
    if (known) {
      known.why.add(reason);
      Object.assign(known.extra, extra);
      return;
    }
    const loaded = stream.instance?.loaded;
    if (loaded?.digest !== output.digest || this.#pendings >= maxPending) {
      this.#lose(loaded?.digest === output.digest ? 'busy' : 'gone');
      return;
    }
    const dueTick = output.frame - loaded.manifest.delayFrames + (this.#settings?.aroundTicks ?? aroundOf(loaded.manifest));
    const timeMs = Date.now();
    const [why, dueMs] = [new Set([reason]), timeMs + patienceMs];
    waiting.push({ stream, manifest: loaded.manifest, output, timeMs, dueTick, dueMs, why, extra: { ...extra } });
    this.#pending.set(output.stream, waiting);
    this.#pendings++;
    this.#timer ??= setTimeout(() => this.#drain(), patienceMs).unref();
  }

  #lose(kind: Loss | undefined): void {
    if (kind) this.counts[kind]++;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#drain();
    });
  }

  /** Copies the windows that are ready, and begins to write them. */
  #drain(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const nowMs = Date.now();
    for (const [name, waiting] of this.#pending) {
      const ready = (one: Pending) => one.dueTick <= one.stream.next || one.dueMs <= nowMs || one.stream.closed;
      const later = waiting.filter((one) => !ready(one));
      for (const one of waiting) if (ready(one)) this.#lose(this.#keep(one));
      this.#pendings -= waiting.length - later.length;
      if (later.length > 0) this.#pending.set(name, later);
      else this.#pending.delete(name);
    }
    if (this.#pendings > 0) this.#timer = setTimeout(() => this.#drain(), patienceMs).unref();
  }

  /** Copies one window and begins to write it. @returns why it is lost, if it is */
  #keep(one: Pending): Loss | undefined {
    const { stream, manifest, output, extra } = one;
    const settings = this.#settings;
    if (!settings) return undefined;
    const to = output.frame - manifest.delayFrames;
    const windowFrom = to - manifest.window;
    const around = settings.aroundTicks ?? aroundOf(manifest);
    if (manifest.window * stream.tickBytes > maxSignalBytes) return 'large';
    const room = Math.floor((maxSignalBytes / stream.tickBytes - manifest.window) / 2);
    const signal = windowFrom < 0 ? undefined : stream.signal(windowFrom, to, Math.min(around, room));
    if (!signal) return 'gone';
    if (this.#queuedBytes + signal.bytes.length > maxQueuedBytes) return 'busy';
    const why = reasons.filter((reason) => one.why.has(reason));
    const { sequence, frame, digest, timestampMs, filled, raw } = output;
    this.#write(settings, {
      ...{ stream: output.stream, sequence, frame, timeMs: one.timeMs, digest, version: manifest.version ?? '', reasons: why },
      ...(timestampMs !== undefined && { timestampMs }),
      ...{ share: settings.random?.share ?? 0, ...extra },
      ...{ from: signal.from, windowFrom, windowTicks: manifest.window, tickBytes: stream.tickBytes, filled },
      ...{ inputs: manifest.inputs.map(portOf), outputs: manifest.outputs.map(portOf) },
      ...{ signal: signal.bytes, raw: new Uint8Array(raw) },
    });
    return undefined;
  }

  #write(settings: Settings, record: WindowRecord): void {
    const bytes = record.signal.length + record.raw.length;
    this.#queuedBytes += bytes;
    this.#writes = this.windows
      .add(record, settings)
      .then((id) => {
        if (id === undefined) this.#lose('room');
        else for (const reason of record.reasons) this.counts.collected[reason]++;
      })
      .catch((error: unknown) => {
        this.#lose('disk');
        // an error of the disk ends this window only; any other is a fault of the gateway
        if (!isRunletError(error)) this.#fault(error);
      })
      .finally(() => {
        this.#queuedBytes -= bytes;
      });
  }
}
