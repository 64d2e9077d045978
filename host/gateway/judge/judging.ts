/**
 * Judging: the judgements of all slots of a gateway, their settings on the disk, alarms and automatic trials.
 *
 * In: collected windows with labels, settings.  Out: judgements; the event `judged` when an alarm begins,
 * ends, or can first be told.  Errors: RN802, RN899.
 * Rule: slots with settings are looked at every `lookMs`; a round costs little if nothing has changed.
 *
 *     judged/<slot>   the settings as JSON
 */
import * as v from 'valibot';
import type { Collection } from '../collect/collection.ts';
import type { Events, GatewayEvents } from '../hub/events.ts';
import type { Slot } from '../hub/slot.ts';
import { type Disk, diskError, writeWhole } from '../store/disk.ts';
import type { Store } from '../store/store.ts';
import type { Pool } from '../worker/pool.ts';
import { defaultJudge, type JudgeSettings, judgeSettingsSchema } from './settings.ts';
import { type SlotJudgement, SlotJudging } from './slot-judging.ts';

/** The parts of a gateway that judging needs. */
interface Judged {
  events: Events<GatewayEvents>;
  store: Store;
  slots: ReadonlyMap<string, Slot>;
  collection: Collection;
  find(slot: string): Slot;
}

/** Time between two looks at the slots, in milliseconds. A choice. */
const lookMs = 10_000;

export class Judging {
  #disk: Disk;
  #gateway: Judged;
  #pool: Pool;
  #slots = new Map<string, SlotJudging>();
  #settings = new Map<string, JudgeSettings>();
  /** State of the alarm that was last reported, by slot. */
  #told = new Map<string, string>();
  #timer: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(disk: Disk, gateway: Judged, pool: Pool) {
    this.#disk = disk;
    this.#gateway = gateway;
    this.#pool = pool;
    this.#timer = setInterval(() => this.#look(), lookMs).unref();
  }

  /** Reads the settings. @param pool threads for replays only */
  static async open(disk: Disk, gateway: Judged, pool: Pool): Promise<Judging> {
    const judging = new Judging(disk, gateway, pool);
    for (const name of gateway.slots.keys())
      try {
        const bytes = await disk.read(`judged/${name}`);
        const found = bytes && v.parse(judgeSettingsSchema, JSON.parse(new TextDecoder().decode(bytes)));
        if (found) judging.#settings.set(name, found);
      } catch (error) {
        // without these settings a slot still runs
        judging.#fault(error);
      }
    return judging;
  }

  #fault = (error: unknown): void => {
    this.#gateway.events.emit('fault', { event: 'judging', error });
  };

  settings = (slot: string): JudgeSettings => this.#settings.get(slot) ?? defaultJudge;

  /** Returns the latest judgement, without judging. */
  latest = (slot: string): SlotJudgement | undefined => this.#slots.get(slot)?.latest;

  /** Stores settings, and sizes the pool of versions. @throws RN802 */
  async use(slot: string, settings: JudgeSettings): Promise<void> {
    try {
      await this.#disk.makeFolder('judged');
      await writeWhole(this.#disk, 'judged', slot, new TextEncoder().encode(JSON.stringify(settings)));
    } catch (error) {
      throw diskError(error, 'the settings of the judgement');
    }
    this.#settings.set(slot, settings);
    if ((this.#gateway.store.slot(slot).poolBytes ?? 0) !== settings.poolBytes)
      await this.#gateway.store.sizePool(slot, settings.poolBytes);
  }

  /** Judges a slot. @throws RN803, RN848, RN899 */
  async judge(name: string): Promise<SlotJudgement> {
    const slot = this.#gateway.find(name);
    const judging = this.#slots.get(name) ?? new SlotJudging(slot, this.#gateway.store, this.#pool);
    this.#slots.set(name, judging);
    const found = await judging.round(this.#gateway.collection.slots.get(name)?.windows, this.settings(name));
    this.#tell(slot, found);
    const { recommended } = found.choice ?? {};
    // the recommended one of the pool goes last
    if (recommended && !this.#closed) await this.#gateway.store.prefer(name, recommended);
    return found;
  }

  /** Reports the alarm if it has changed. */
  #tell({ name, state }: Slot, { alarm, versions }: SlotJudgement): void {
    const key = alarm ? `${alarm.digest} ${alarm.state}` : '';
    if (key === (this.#told.get(name) ?? '')) return;
    this.#told.set(name, key);
    const [running] = versions;
    if (!alarm || !running || !state.active) return;
    const { judgement } = running;
    const estimate = 'accuracy' in judgement ? judgement.accuracy : judgement.meanAbsoluteError;
    const { level, maxError } = this.settings(name);
    this.#gateway.events.emit('judged', {
      slot: name,
      ...{ digest: running.digest, name: running.name, version: running.version, state: alarm.state },
      what: 'accuracy' in judgement ? 'accuracy' : 'error',
      ...(judgement.windows > 0 && { value: estimate.value, ...estimate.interval }),
      windows: judgement.windows,
      level: ('accuracy' in judgement ? level : maxError) as number,
    });
  }

  /** Judges a slot and, if the operator allowed it, tries the version that is recommended. */
  async step(name: string): Promise<void> {
    await this.judge(name);
    const settings = this.settings(name);
    if (settings.automatic && !this.#closed) await this.#slots.get(name)?.tryRecommended(settings);
  }

  /** Starts a look at all slots with settings, after the last one has ended. */
  #look(): void {
    this.#looking = this.#looking.then(async () => {
      for (const name of this.#settings.keys()) {
        if (this.#closed || !this.#gateway.slots.get(name)?.active) continue;
        await this.step(name).catch(this.#fault);
      }
    });
  }

  /** Stops. A round that runs ends without an answer of its modules. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#pool.stop();
  }
}
