/**
 * Tracker: collects the latencies, input ranges and recent events that the page shows.
 *
 * In: a gateway's events.  Out: plain values. Latencies and ranges cover about the last minute (two
 * generations of 30 seconds); saturations are also counted since the start.
 * Cost: a few additions per output.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import type { Gateway } from '../gateway.ts';
import type { OutputEvent, RangeEvent } from '../hub/events.ts';
import { maxChannels, rangeFields, saturationOf } from '../worker/range.ts';

/** Upper bounds of the histogram's bars; one more bar counts all values above them. */
export const latencyBoundsMs = [0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 200, 500, 1000];

export interface ChannelRange {
  name: string;
  least: number;
  most: number;
  mean: number;
  /** Values at or beyond which the input saturates. */
  low: number;
  high: number;
  /** Share of saturated values in the last minute, and their number since the start. */
  saturatedShare: number;
  saturated: number;
}

export interface Note {
  at: number;
  kind: 'step' | 'judged' | 'refused' | 'stream' | 'overload' | 'drift';
  text: string;
  bad: boolean;
  /** Number of streams, if the note stands for several streams in a row. */
  streams?: number;
}

interface Generation {
  latency: number[];
  /** For each slot: ticks, then minimum, maximum, sum and saturated of each channel. */
  ranges: Map<string, Float64Array>;
}

const generationMs = 30_000;
const maxNotes = 60;
const maxVersions = 64;
const width = rangeFields.length;

const emptyGeneration = (): Generation => ({ latency: latencyBoundsMs.map(() => 0).concat(0), ranges: new Map() });

/** Adds a range to `into`, which holds sums instead of means. */
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

function emptyRange(length: number): Float64Array {
  const range = new Float64Array(length);
  for (let at = 1; at < length; at += width) {
    range[at] = Number.POSITIVE_INFINITY;
    range[at + 1] = Number.NEGATIVE_INFINITY;
  }
  return range;
}

/** Returns the channels of a range, with names. */
function channelsOf({ inputs }: Manifest): { name: string; low: number; high: number; rate: number }[] {
  const all = inputs.flatMap((port) => {
    const [low, high] = saturationOf(port);
    const name = (i: number) => (port.elements === 1 ? port.name : `${port.name} ${i}`);
    return Array.from({ length: port.elements }, (_, i) => ({ name: name(i), low, high, rate: port.rate ?? 1 }));
  });
  return all.slice(0, maxChannels);
}

export class Tracker {
  readonly notes: Note[] = [];
  /** Name and version of the latest bundles, by digest. */
  readonly versions = new Map<string, string>();
  outputs = 0;
  #gateway: Gateway;
  #generations = [emptyGeneration(), emptyGeneration()];
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
      events.on('drift', ({ slot, stream, state, cause, channels = [] }) => {
        const what =
          state === 'begins'
            ? `drift: ${[cause, ...channels].join(' ')}`
            : state === 'ends'
              ? 'no drift any more'
              : 'watched for drift';
        this.#note('drift', `${stream ?? slot} ${what}`, state === 'begins');
      }),
      events.on('judged', ({ slot, name, version, what, value, windows, state, level }) => {
        const verdict = { under: 'worse than', above: 'within', 'too few': 'too few for' }[state];
        const text =
          value === undefined
            ? `no window of ${name} ${version} has a label yet`
            : `${what} of ${name} ${version} is ${value.toFixed(3)} on ${windows} windows; ${verdict} ${level}`;
        this.#note('judged', `${slot}: ${text}`, state === 'under');
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
    if (this.notes.length > maxNotes) this.notes.shift();
  }

  /** Notes an event of a stream. Many in a row share one note, so that they do not displace the others. */
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
    for (const oldest of this.versions.keys()) if (this.versions.size > maxVersions) this.versions.delete(oldest);
  }

  #now(): Generation {
    if (performance.now() - this.#begunMs > generationMs) {
      this.#generations = [this.#generations[1] as Generation, emptyGeneration()];
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
    if (now.ranges.get(slot)?.length !== range.length) now.ranges.set(slot, emptyRange(range.length));
    merge(now.ranges.get(slot) as Float64Array, range);
    if (this.#saturated.get(slot)?.length !== range.length) this.#saturated.set(slot, new Float64Array(range.length));
    const saturated = this.#saturated.get(slot) as Float64Array;
    for (let at = 4; at < range.length; at += width) (saturated[at] as number) += range[at] as number;
  }

  latency(): number[] {
    const [before, now] = this.#generations as [Generation, Generation];
    return now.latency.map((count, i) => count + (before.latency[i] as number));
  }

  /** Returns the ranges of a slot's inputs; none before its first output. */
  ranges(slot: string): ChannelRange[] {
    const active = this.#gateway.slots.get(slot)?.active;
    const found = this.#generations.map(({ ranges }) => ranges.get(slot)).filter((range) => range !== undefined);
    const channels = active ? channelsOf(active.manifest) : [];
    const sum = emptyRange(1 + width * channels.length);
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
      const all = this.#saturated.get(slot)?.[4 + width * i] ?? 0;
      return { name, least, most, mean: total / ticks, low, high, saturatedShare: saturated / (ticks * rate), saturated: all };
    });
  }
}
