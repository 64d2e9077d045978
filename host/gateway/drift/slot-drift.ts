/**
 * SlotDrift: watches the streams of one slot, and the errors of its labelled windows.
 *
 * In: outputs of streams, settings, stored references, errors.  Out: events `drift`; references to store.
 * Rules: an output is never held up. The signal is read between other work, at most `maxPieces` pieces at a
 * time. The first streams are watched, up to the number of the settings; a closed stream makes room only if
 * it has no reference yet.
 */
import type { Manifest } from '../../../assembly/bundle/manifest.ts';
import { Adwin } from '../../learn/drift/adwin.ts';
import { type Cause, causes } from '../../learn/drift/cause.ts';
import type { WatchEvent } from '../../learn/drift/watch.ts';
import type { DriftEvent, OutputEvent } from '../hub/events.ts';
import type { Stream } from '../hub/stream.ts';
import type { DriftSettings, StoredReference } from './settings.ts';
import { channelNames, StreamDrift, watchOptions } from './stream-drift.ts';

/** Pieces that are read before other work has its turn. A choice: less than 2 ms. */
const maxPieces = 4;
/** Probability that a label is taken for a change of the error. Usual for ADWIN: one in 500 labels. */
const errorDelta = 0.002;

interface SlotDriftEvents {
  drift(event: DriftEvent): void;
  /** A reference is complete. */
  learned(stream: string, stored: StoredReference): void;
  /** A block of a stream has drifted. */
  block(stream: string, why: string): void;
}

export const alarmKinds = [...causes, 'error'] as const;

export class SlotDrift {
  readonly slot: string;
  readonly settings: DriftSettings;
  readonly alarms: Record<Cause | 'error', number>;
  readonly error = new Adwin(errorDelta);
  /** True after the error has risen, until it falls. */
  errorRose = false;
  #events: SlotDriftEvents;
  #references: Map<string, StoredReference>;
  #streams = new Map<string, StreamDrift>();
  #unwatched = new Set<string>();
  #isScheduled = false;
  #isClosed = false;

  constructor(slot: string, settings: DriftSettings, references: Map<string, StoredReference>, events: SlotDriftEvents) {
    this.slot = slot;
    this.settings = settings;
    this.#references = references;
    this.#events = events;
    this.alarms = Object.fromEntries(alarmKinds.map((kind) => [kind, 0])) as SlotDrift['alarms'];
  }

  output(output: OutputEvent, stream: Stream, manifest: Manifest): void {
    const one = this.#watched(output, stream, manifest);
    if (!one) return;
    one.output(output);
    this.#schedule();
  }

  #watched({ stream: name, digest }: OutputEvent, stream: Stream, manifest: Manifest): StreamDrift | undefined {
    const known = this.#streams.get(name);
    if (known?.stream === stream) return known;
    if (this.#unwatched.has(name)) return undefined;
    const names = new Set([...this.#streams.keys(), ...this.#references.keys()]);
    const options = watchOptions(manifest, this.settings);
    if (!options || (!names.has(name) && names.size >= this.settings.streams)) {
      // bounded, because names of streams come from outside
      if (this.#unwatched.size < 4096) this.#unwatched.add(name);
      return undefined;
    }
    const one = new StreamDrift(stream, manifest, digest, options, this.#references.get(name));
    this.#streams.set(name, one);
    return one;
  }

  closed(name: string): void {
    this.#streams.delete(name);
    this.#unwatched.delete(name);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#read();
    });
  }

  #read(): void {
    let left = maxPieces;
    for (const [name, one] of this.#streams) {
      for (; left > 0 && one.waits && !this.#isClosed; left--) {
        const event = one.read();
        if (event) this.#take(name, one, event);
      }
      if (one.waits) {
        // the others come first the next time
        this.#streams.delete(name);
        this.#streams.set(name, one);
        this.#schedule();
        if (left === 0) return;
      }
    }
  }

  #take(stream: string, { watch, digest, stream: { instance } }: StreamDrift, event: WatchEvent): void {
    const { slot } = this;
    if (event.state === 'learned' && watch.reference) {
      const stored = { digest, reference: watch.reference };
      this.#references.set(stream, stored);
      this.#events.learned(stream, stored);
    }
    if (event.state === 'learned' || event.state === 'ends') {
      this.#events.drift({ slot, stream, state: event.state });
      return;
    }
    const names = instance ? channelNames(instance.loaded.manifest) : [];
    const channels = event.channels.map((i) => names[i] ?? `${i}`);
    const { cause, state } = event;
    if (state === 'begins') {
      this.alarms[cause]++;
      this.#events.drift({ slot, stream, state, cause, channels });
    }
    this.#events.block(stream, [cause, ...channels].join(' '));
  }

  /** Takes the error of an answer that a label judges, 0 to 1. */
  see(error: number): void {
    const change = this.error.see(error);
    if (change === 0) return;
    const rose = change > 0;
    if (rose === this.errorRose) return;
    this.errorRose = rose;
    if (rose) this.alarms.error++;
    this.#events.drift({ slot: this.slot, state: rose ? 'begins' : 'ends', ...(rose && { cause: 'error', channels: [] }) });
  }

  /** Numbers of streams by state. */
  counts(): { learning: number; watching: number; drifted: number } {
    const all = [...this.#streams.values()];
    const drifted = all.filter(({ watch }) => watch.drift).length;
    const learning = all.filter(({ watch }) => !watch.reference).length;
    return { learning, watching: all.length - learning - drifted, drifted };
  }

  status() {
    const streams = [...this.#streams].map(
      ([
        stream,
        {
          watch,
          stream: { instance },
        },
      ]) => {
        const names = instance ? channelNames(instance.loaded.manifest) : [];
        const state = !watch.reference ? 'learning' : watch.drift ? 'drifted' : 'watching';
        return {
          ...{ stream, state, learned: watch.learned },
          ...(watch.reference && { falseAlarmsPerDay: watch.reference.falseAlarmsPerDay }),
          ...(watch.drift && { cause: watch.drift.cause, channels: watch.drift.channels.map((i) => names[i] ?? `${i}`) }),
        };
      },
    );
    const { length: labels, mean } = this.error;
    const error = { labels, ...(labels > 0 && { mean }), rose: this.errorRose };
    return { ...this.counts(), unwatched: this.#unwatched.size, alarms: this.alarms, error, streams };
  }

  close(): void {
    this.#isClosed = true;
    this.#streams.clear();
  }
}
