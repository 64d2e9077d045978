/**
 * What the page shows of the outputs: how late they are, what the inputs' range is, and what happened last.
 *
 * In: a gateway's events.  Out: plain values. Latencies and ranges are of the last minute or so (two
 * generations of 30 seconds), saturations also of all time. Cost: a few additions an output.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import type { Gateway } from '../gateway.ts';
import type { OutputEvent, RangeEvent } from '../hub/events.ts';
import { mostChannels, rangeFields, saturationOf } from '../worker/range.ts';

/** Upper ends of the histogram's bars; the last bar has all above. */
export const latencyBoundsMs = [0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 200, 500, 1000];

export interface ChannelRange {
  name: string;
  least: number;
  most: number;
  mean: number;
  /** Where it saturates. */
  low: number;
  high: number;
  /** Share of the values of the last minute, and the count of all time. */
  saturatedShare: number;
  saturated: number;
}

export interface Note {
  at: number;
  kind: 'step' | 'refused' | 'stream' | 'overload';
  text: string;
  bad: boolean;
  /** Streams that it is about, where it was said of several in a row. */
  streams?: number;
}

interface Generation {
  latency: number[];
  /** Of each slot: ticks, then least, most, sum and saturated of each channel. */
  ranges: Map<string, Float64Array>;
}

const generationMs = 30_000;
const mostNotes = 60;
const mostVersions = 64;
const width = rangeFields.length;

const empty = (): Generation => ({ latency: latencyBoundsMs.map(() => 0).concat(0), ranges: new Map() });

/** Adds the range of some ticks to another, which holds sums instead of means. */
function merge(into: Float64Array, from: Float64Array): void {
  const ticks = from[0] as number;
  (into[0] as number) += ticks;
  for (let at = 1; at < into.length; at += width) {
    into[at] = Math.min(into[at] as number, from[at] as number);
    into[at + 1] = Math.max(into[at + 1] as number, from[at + 1] as number);
    (into[at + 2] as number) += ticks * (from[at + 2] as number);
    (into[at + 3] as number) += from[at + 3] as number;
  }
}

function fresh(length: number): Float64Array {
  const range = new Float64Array(length);
  for (let at = 1; at < length; at += width) {
    range[at] = Number.POSITIVE_INFINITY;
    range[at + 1] = Number.NEGATIVE_INFINITY;
  }
  return range;
}

/** The channels of a range, by name. */
function channelsOf({ inputs }: Manifest): { name: string; low: number; high: number; rate: number }[] {
  const all = inputs.flatMap((port) => {
    const [low, high] = saturationOf(port);
    const name = (i: number) => (port.elements === 1 ? port.name : `${port.name} ${i}`);
    return Array.from({ length: port.elements }, (_, i) => ({ name: name(i), low, high, rate: port.rate ?? 1 }));
  });
  return all.slice(0, mostChannels);
}

export class Tracker {
  readonly notes: Note[] = [];
  /** Name and version of the bundles that were seen, by digest; the latest few. */
  readonly versions = new Map<string, string>();
  outputs = 0;
  #gateway: Gateway;
  #generations = [empty(), empty()];
  #begunMs = performance.now();
  #saturated = new Map<string, Float64Array>();
  #stops: (() => void)[];

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    const { events } = gateway;
    for (const { state } of gateway.slots.values())
      for (const one of [state.active, state.previous, state.staged]) if (one) this.#seen(one);
    this.#stops = [
      events.on('output', (output) => this.#output(output)),
      events.on('range', (range) => this.#range(range)),
      events.on('step', ({ slot, step, digest, name, version, text, failure }) => {
        this.#seen({ digest, name, version });
        this.#note('step', `${slot}: ${step} ${name} ${version} (${text})`, failure !== undefined);
      }),
      events.on('refused', ({ code, why, slot, stream }) =>
        this.#note('refused', `${stream ?? slot ?? ''}: ${code} ${why}`, true),
      ),
      events.on('stream', ({ stream, state, failure }) => {
        if (failure) this.#note('stream', `${stream} ${state}: ${failure.code} ${failure.why}`, true);
        else this.#streamNote(stream, state);
      }),
      events.on('overload', ({ state, why, shedTicks, streams }) =>
        this.#note('overload', state === 'begins' ? why : `over: ${shedTicks} ticks of ${streams} streams were shed`, true),
      ),
    ];
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  #note(kind: Note['kind'], text: string, bad: boolean): void {
    this.notes.push({ at: Date.now(), kind, text, bad });
    if (this.notes.length > mostNotes) this.notes.shift();
  }

  /**
   * A stream came or went. Many in a row are one note: a fleet that reconnects must not push all else out.
   */
  #streamNote(stream: string, state: string): void {
    const last = this.notes.at(-1);
    const streams = last?.kind === 'stream' && last.streams && last.text.endsWith(` ${state}`) ? last.streams + 1 : 1;
    if (streams > 1) this.notes.pop();
    this.#note('stream', `${stream}${streams > 1 ? ` and ${streams - 1} more streams` : ''} ${state}`, false);
    (this.notes.at(-1) as Note).streams = streams;
  }

  #seen({ digest, name, version }: { digest: string; name: string; version: string }): void {
    this.versions.delete(digest);
    this.versions.set(digest, `${name} ${version}`);
    for (const oldest of this.versions.keys()) if (this.versions.size > mostVersions) this.versions.delete(oldest);
  }

  #now(): Generation {
    if (performance.now() - this.#begunMs > generationMs) {
      this.#generations = [this.#generations[1] as Generation, empty()];
      this.#begunMs = performance.now();
    }
    return this.#generations[1] as Generation;
  }

  #output({ latencyMs }: OutputEvent): void {
    this.outputs++;
    const now = this.#now();
    const bar = latencyBoundsMs.findIndex((bound) => latencyMs <= bound);
    (now.latency[bar < 0 ? latencyBoundsMs.length : bar] as number)++;
  }

  #range({ slot, range }: RangeEvent): void {
    const now = this.#now();
    if (now.ranges.get(slot)?.length !== range.length) now.ranges.set(slot, fresh(range.length));
    merge(now.ranges.get(slot) as Float64Array, range);
    if (this.#saturated.get(slot)?.length !== range.length) this.#saturated.set(slot, new Float64Array(range.length));
    const saturated = this.#saturated.get(slot) as Float64Array;
    for (let at = 4; at < range.length; at += width) (saturated[at] as number) += range[at] as number;
  }

  latency(): number[] {
    const [before, now] = this.#generations as [Generation, Generation];
    return now.latency.map((count, i) => count + (before.latency[i] as number));
  }

  /** Of a slot's inputs; none before its first output. */
  ranges(slot: string): ChannelRange[] {
    const active = this.#gateway.slots.get(slot)?.active;
    const found = this.#generations.map(({ ranges }) => ranges.get(slot)).filter((range) => range !== undefined);
    const channels = active ? channelsOf(active.manifest) : [];
    const sum = fresh(1 + width * channels.length);
    for (const range of found) {
      if (range.length !== sum.length) continue;
      const ticks = range[0] as number;
      merge(
        sum,
        Float64Array.from(range, (value, i) => (i % width === 3 ? value / Math.max(1, ticks) : value)),
      );
    }
    const ticks = sum[0] as number;
    if (ticks === 0) return [];
    return channels.map(({ name, low, high, rate }, i) => {
      const [least, most, total, saturated] = sum.subarray(1 + width * i) as unknown as [number, number, number, number];
      const ever = this.#saturated.get(slot)?.[4 + width * i] ?? 0;
      return { name, least, most, mean: total / ticks, low, high, saturatedShare: saturated / (ticks * rate), saturated: ever };
    });
  }
}
