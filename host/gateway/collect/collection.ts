/**
 * Collection: the collected windows of all slots of a gateway, and their settings on the disk.
 *
 * In: the gateway's events, settings.  Out: windows on the disk.
 * Errors: RN802, RN874, RN877. An error of the disk at the start leaves collection off in that slot.
 *
 *     collected/<slot>/settings   the settings as JSON, and whether collection is on
 *     collected/<slot>/*          the windows (windows.ts)
 */
import * as v from 'valibot';
import type { Events, GatewayEvents } from '../hub/events.ts';
import type { Stream } from '../hub/stream.ts';
import { type Disk, diskError, writeWhole } from '../store/disk.ts';
import { type DeviceMessage, deviceRecord, type Running } from './device-window.ts';
import { notCollecting, tooManyAsked } from './missing.ts';
import { type Settings, settingsSchema } from './settings.ts';
import { SlotCollection } from './slot-collection.ts';
import { Windows } from './windows.ts';

/** The parts of a gateway that a collection needs. */
interface Collected {
  events: Events<GatewayEvents>;
  streams: ReadonlyMap<string, Stream>;
}

/** Time between two deletions of old windows, in milliseconds. */
const tidyMs = 60_000;
const storedSchema = v.object({ on: v.boolean(), settings: settingsSchema });

export class Collection {
  readonly slots = new Map<string, SlotCollection>();
  #disk: Disk;
  #key?: Uint8Array;
  #gateway: Collected;
  #timer: NodeJS.Timeout;
  #stops: (() => void)[];
  /** Settings of each slot, also while its collection is off, for the retention. */
  #stored = new Map<string, Settings>();

  private constructor(disk: Disk, gateway: Collected, key?: Uint8Array) {
    this.#disk = disk;
    this.#gateway = gateway;
    this.#key = key;
    const { events } = gateway;
    this.#stops = [
      events.on('output', (output) => this.#with(output, (slot, stream) => slot.output(output, stream))),
      events.on('compared', (pair) => this.#with(pair, (slot, stream) => slot.compared(pair, stream))),
    ];
    this.#timer = setInterval(() => void this.#tidy(), tidyMs).unref();
  }

  /** Reads the settings and windows of the slots. @param key encrypts the windows */
  static async open(disk: Disk, slots: Iterable<string>, gateway: Collected, key?: Uint8Array): Promise<Collection> {
    const collection = new Collection(disk, gateway, key);
    for (const name of slots)
      try {
        await collection.#open(name);
      } catch (error) {
        // without its windows a slot still runs
        collection.#fault(error);
      }
    await collection.#tidy();
    return collection;
  }

  #fault = (error: unknown): void => {
    this.#gateway.events.emit('fault', { event: 'collection', error });
  };

  async #open(name: string): Promise<void> {
    const bytes = await this.#disk.read(`collected/${name}/settings`);
    const windows = await Windows.open(this.#disk, name, this.#key);
    const slot = new SlotCollection(windows, this.#fault);
    if (bytes || windows.count > 0) this.slots.set(name, slot);
    if (!bytes) return;
    const { on, settings } = v.parse(storedSchema, JSON.parse(new TextDecoder().decode(bytes)));
    this.#stored.set(name, settings);
    if (on) slot.use(settings);
  }

  #with({ slot, stream }: { slot: string; stream: string }, run: (slot: SlotCollection, stream: Stream) => void): void {
    const collecting = this.slots.get(slot);
    if (!collecting?.settings) return;
    const found = this.#gateway.streams.get(stream);
    if (found) run(collecting, found);
  }

  /** Returns the collection of a slot. @throws RN874 if it never collected */
  slot(name: string): SlotCollection {
    const slot = this.slots.get(name);
    if (slot) return slot;
    throw notCollecting(name);
  }

  /** Returns the state of a slot's collection as plain values. */
  status(name: string) {
    const slot = this.slots.get(name);
    const { settings, windows, counts, asked } = slot ?? {};
    return {
      slot: name,
      on: settings !== undefined,
      encrypted: this.#key !== undefined,
      settings: settings ?? this.#stored.get(name),
      windows: windows?.count ?? 0,
      bytes: windows?.bytes ?? 0,
      asked: asked?.waiting ?? 0,
      ...(counts && { counts }),
    };
  }

  /** Turns collection on in a slot, or changes its settings. @throws RN802 */
  async turnOn(name: string, settings: Settings): Promise<void> {
    await this.#save(name, true, settings);
    const slot = this.slots.get(name) ?? new SlotCollection(await Windows.open(this.#disk, name, this.#key), this.#fault);
    this.slots.set(name, slot);
    slot.use(settings);
    await slot.tidy(settings, Date.now());
  }

  /** Turns collection off. The windows stay until they are deleted or too old. @throws RN802, RN874 */
  async turnOff(name: string): Promise<void> {
    const slot = this.slot(name);
    slot.use(undefined);
    const settings = this.#stored.get(name);
    if (settings) await this.#save(name, false, settings);
  }

  async #save(name: string, on: boolean, settings: Settings): Promise<void> {
    try {
      await this.#disk.makeFolder(`collected/${name}`);
      const bytes = new TextEncoder().encode(JSON.stringify({ on, settings }));
      await writeWhole(this.#disk, `collected/${name}`, 'settings', bytes);
    } catch (error) {
      throw diskError(error, 'the settings of the collection');
    }
    this.#stored.set(name, settings);
  }

  /**
   * Asks for the next windows of a slot, of one stream or of any. @throws RN813, RN874 if it does not collect
   */
  ask(name: string, count: number, stream?: string): number {
    const slot = this.slot(name);
    if (!slot.settings) throw notCollecting(name);
    if (!slot.asked.ask(count, stream)) throw tooManyAsked(name, slot.asked.waiting);
    return slot.asked.waiting;
  }

  /**
   * Takes a window that a device chose. @param running the bundle of the slot
   * @returns false if it is not kept. @throws RN874 if the slot takes no windows of devices, RN894
   */
  device(name: string, running: Running, message: DeviceMessage): boolean {
    const slot = this.slot(name);
    if (!slot.settings?.device) throw notCollecting(name);
    return slot.device(deviceRecord(running, message));
  }

  /** Takes the report of another part of the gateway that the signal of a stream has drifted. */
  drift(stream: string, why: string): void {
    const found = this.#gateway.streams.get(stream);
    if (found) this.slots.get(found.slot)?.drift(found, why);
  }

  async #tidy(): Promise<void> {
    for (const [name, slot] of this.slots) {
      const settings = this.#stored.get(name);
      if (settings) await slot.tidy(settings, Date.now()).catch(this.#fault);
    }
  }

  /** Stops. Windows on their way to the disk are still written. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const stop of this.#stops) stop();
    await Promise.all([...this.slots.values()].map((slot) => slot.close()));
  }
}
