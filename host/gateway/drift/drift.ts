/**
 * Drift: the drift detection of all slots of a gateway, its settings and references on the disk.
 *
 * In: the gateway's events, settings, labels of windows.  Out: events `drift`; windows for the collection.
 * Errors: RN802, RN892. An error of the disk at the start leaves detection off in that slot.
 *
 *     drift/<slot>/settings       the settings as JSON, and whether detection is on
 *     drift/<slot>/ref-<stream>   the reference of a stream as JSON: histograms and limits, no signal
 */
import * as v from 'valibot';
import { RunletError } from '../../../models/error.ts';
import { argmax } from '../../statistics.ts';
import type { Collection } from '../collect/collection.ts';
import { realOutputs } from '../collect/record.ts';
import type { Events, GatewayEvents } from '../hub/events.ts';
import type { Slot } from '../hub/slot.ts';
import type { Stream } from '../hub/stream.ts';
import { type Disk, diskError, writeWhole } from '../store/disk.ts';
import { type DriftSettings, type StoredReference, storedDriftSchema, storedReferenceSchema } from './settings.ts';
import { SlotDrift } from './slot-drift.ts';
import { watchOptions } from './stream-drift.ts';

/** The parts of a gateway that drift detection needs. */
interface Watched {
  events: Events<GatewayEvents>;
  slots: ReadonlyMap<string, Slot>;
  streams: ReadonlyMap<string, Stream>;
  collection: Collection;
}

/** Smallest number of ticks of a block; with fewer, its features are chance. A choice. */
const minBlockTicks = 64;
/** Windows whose labels have been judged, at most. */
const maxJudged = 4096;

const unusable = (slot: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN892', { what: 'drift cannot be watched in this slot', where: `slot ${slot}`, why, tryThis });

export class Drift {
  readonly slots = new Map<string, SlotDrift>();
  #disk: Disk;
  #gateway: Watched;
  #stops: (() => void)[];
  #writes: Promise<unknown> = Promise.resolve();
  /** Windows of each slot whose labels were judged. */
  #judged = new Map<string, Set<number>>();

  private constructor(disk: Disk, gateway: Watched) {
    this.#disk = disk;
    this.#gateway = gateway;
    const { events, streams } = gateway;
    this.#stops = [
      events.on('output', (output) => {
        const [slot, stream] = [this.slots.get(output.slot), streams.get(output.stream)];
        const loaded = stream?.instance?.loaded;
        if (slot && stream && loaded) slot.output(output, stream, loaded.manifest);
      }),
      events.on('stream', ({ slot, stream, state }) => state === 'closed' && this.slots.get(slot)?.closed(stream)),
    ];
  }

  /** Reads the settings and references of the slots. */
  static async open(disk: Disk, slots: Iterable<string>, gateway: Watched): Promise<Drift> {
    const drift = new Drift(disk, gateway);
    for (const name of slots)
      try {
        await drift.#open(name);
      } catch (error) {
        // without detection a slot still runs
        drift.#fault(error);
      }
    return drift;
  }

  #fault = (error: unknown): void => {
    this.#gateway.events.emit('fault', { event: 'drift', error });
  };

  async #read<T extends v.GenericSchema>(path: string, schema: T): Promise<v.InferOutput<T> | undefined> {
    const bytes = await this.#disk.read(path);
    return bytes && v.parse(schema, JSON.parse(new TextDecoder().decode(bytes)));
  }

  async #open(name: string): Promise<void> {
    const folder = `drift/${name}`;
    const stored = await this.#read(`${folder}/settings`, storedDriftSchema);
    if (!stored?.on) return;
    const references = new Map<string, StoredReference>();
    for (const file of await this.#disk.list(folder)) {
      const stream = /^ref-([^/]+?)$/.exec(file)?.[1];
      if (!stream || file.endsWith('.part') || references.size >= stored.settings.streams) continue;
      const found = await this.#read(`${folder}/${file}`, storedReferenceSchema);
      if (found) references.set(stream, found);
    }
    this.#begin(name, stored.settings, references);
  }

  #begin(name: string, settings: DriftSettings, references: Map<string, StoredReference>): void {
    this.slots.get(name)?.close();
    const slot = new SlotDrift(name, settings, references, {
      drift: (event) => void this.#gateway.events.emit('drift', event),
      block: (stream, why) => this.#gateway.collection.drift(stream, why),
      learned: (stream, stored) => {
        // a detection that was turned off or on again since has no use for it
        const write = async () => this.slots.get(name) === slot && (await this.#write(name, `ref-${stream}`, stored));
        this.#writes = this.#writes.then(write).catch(this.#fault);
      },
    });
    this.slots.set(name, slot);
  }

  async #write(slot: string, file: string, value: unknown): Promise<void> {
    try {
      await this.#disk.makeFolder(`drift/${slot}`);
      await writeWhole(this.#disk, `drift/${slot}`, file, new TextEncoder().encode(JSON.stringify(value)));
    } catch (error) {
      throw diskError(error, 'the drift detection of a slot');
    }
  }

  async #forget(slot: string): Promise<void> {
    const files = await this.#disk.list(`drift/${slot}`);
    for (const file of files) if (file.startsWith('ref-')) await this.#disk.unlink(`drift/${slot}/${file}`);
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#writes.then(run);
    this.#writes = done.catch(() => {});
    return done;
  }

  /** @throws RN892 if the model's ticks per second are not known, or the reference is too short */
  #check(name: string, settings: DriftSettings): void {
    const manifest = this.#gateway.slots.get(name)?.active?.manifest;
    if (!manifest) throw unusable(name, 'no bundle runs in it', 'flash a bundle first');
    const options = watchOptions(manifest, settings);
    if (!options)
      throw unusable(name, 'the model does not say how many ticks a second has', 'give the ticks per second as `rateHz`');
    const least = Math.max(minBlockTicks, manifest.window);
    if (options.blockTicks < least)
      throw unusable(
        name,
        `a 64th of the reference has ${options.blockTicks} ticks, and a block needs ${least}`,
        'give a larger `referenceS`',
      );
  }

  /** Turns detection on with new references, or changes the settings. @throws RN802, RN892 */
  turnOn(name: string, settings: DriftSettings): Promise<void> {
    this.#check(name, settings);
    return this.#inTurn(async () => {
      await this.#forget(name);
      await this.#write(name, 'settings', { on: true, settings });
      this.#begin(name, settings, new Map());
    });
  }

  /** Turns detection off and removes the references. @throws RN802 */
  turnOff(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const slot = this.slots.get(name);
      if (!slot) return;
      await this.#write(name, 'settings', { on: false, settings: slot.settings });
      slot.close();
      this.slots.delete(name);
      await this.#forget(name);
    });
  }

  /** Resolves when all references so far are on the disk. */
  settled = async (): Promise<void> => void (await this.#writes);

  status(name: string) {
    const slot = this.slots.get(name);
    return { slot: name, on: slot !== undefined, ...(slot && { settings: slot.settings, ...slot.status() }) };
  }

  /**
   * Takes the first label of a window: whether it confirms the class of the answer. Only windows that were
   * taken at random count, because the others are harder than the stream.
   */
  async labelled(name: string, id: number): Promise<void> {
    const [slot, judged] = [this.slots.get(name), this.#judged.get(name) ?? new Set<number>()];
    const names = this.#gateway.slots.get(name)?.active?.manifest.labels;
    if (!slot || !names || judged.has(id)) return;
    // the label is stored already, whether its window can be read or not
    const found = await this.#gateway.collection
      .slot(name)
      .windows.read(id)
      .catch(() => undefined);
    if (!found) return;
    const { reasons, labels, outputs, raw } = found;
    const label = labels.at(-1)?.label;
    const scores = realOutputs(outputs, raw).find((values) => values.length === names.length);
    if (!reasons.includes('random') || label === null || typeof label === 'number' || label === undefined || !scores) return;
    for (const oldest of judged) if (judged.size >= maxJudged) judged.delete(oldest);
    this.#judged.set(name, judged.add(id));
    slot.see(label === names[argmax(scores)] ? 0 : 1);
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    for (const slot of this.slots.values()) slot.close();
    await this.#writes;
  }
}
