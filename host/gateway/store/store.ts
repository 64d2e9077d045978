/**
 * The gateway's disk: bundles by their digest, and the state that says which one runs.
 *
 * In: bundles that were verified, and decisions.  Out: a state that is the old one or the new one after a
 * crash at any operation, never something between: a blob is there before the state names it, the state is
 * replaced by a rename, and blobs that nobody names are removed afterwards and at every start. One operation
 * at a time.
 *
 *     state          the state's file (state.ts)
 *     blobs/<sha>    a bundle; *.part: being written
 *     uploads/*      what is being received (uploads.ts)
 */
import { createHash } from 'node:crypto';
import { RunletError } from '../../../models/error.ts';
import { type Disk, diskError, isFull, writeWhole } from './disk.ts';
import * as states from './state.ts';

export interface StoreOptions {
  /** Crashes in a row that lead to safe mode. */
  safeAfter?: number;
}

export class Store {
  #disk: Disk;
  #state: states.GatewayState;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(disk: Disk, state: states.GatewayState) {
    this.#disk = disk;
    this.#state = state;
  }

  /** Reads the state, gives up unconfirmed trials, and removes what nobody names. @throws RN800, RN802 */
  static async open(disk: Disk, { safeAfter = 3 }: StoreOptions = {}): Promise<Store> {
    try {
      for (const folder of ['.', 'blobs', 'uploads']) await disk.makeFolder(folder);
      await disk.syncFolder('.');
      const bytes = await disk.read('state');
      const store = new Store(disk, bytes ? states.decodeState(bytes, 'state') : states.emptyState());
      await store.#sweep();
      await store.#writeOrKeep((state) => states.boot(state, safeAfter));
      return store;
    } catch (error) {
      throw diskError(error, 'the state');
    }
  }

  /**
   * A full disk is no reason not to run, nor to run what misbehaves: the next start comes to the same
   * decisions.
   */
  async #writeOrKeep(change: (state: states.GatewayState) => states.GatewayState): Promise<void> {
    const before = this.#state;
    try {
      await this.#write(change);
    } catch (error) {
      if (!isFull(error)) throw error;
      this.#state = change(before);
    }
  }

  get state(): states.GatewayState {
    return this.#state;
  }

  slot(name: string): states.SlotState {
    return this.#state.slots.get(name) ?? states.emptySlot();
  }

  /** The bytes of a bundle, which are those that were installed. @throws RN803 */
  async blob({ digest }: Pick<states.Stored, 'digest'>): Promise<Uint8Array> {
    const bytes = await this.#disk.read(`blobs/${digest}`);
    if (bytes && createHash('sha256').update(bytes).digest('hex') === digest) return bytes;
    throw new RunletError('RN803', {
      what: 'a bundle on the disk is damaged',
      where: `blobs/${digest}`,
      why: bytes ? 'its SHA-256 is not its name' : 'it is not there',
      tryThis: 'flash the bundle again, and check the disk',
    });
  }

  /**
   * Puts a bundle on the disk and stages it; one that was staged and not on trial is replaced. @throws RN802,
   * RN804
   */
  install(slot: string, bytes: Uint8Array, about: Omit<states.Stored, 'digest' | 'bytes'>): Promise<states.Stored> {
    return this.#next('the bundle', async () => {
      if (this.slot(slot).trial) throw busy(slot);
      const digest = createHash('sha256').update(bytes).digest('hex');
      const stored = { digest, ...about, bytes: bytes.length };
      try {
        if (!(await this.#disk.list('blobs')).includes(digest)) await writeWhole(this.#disk, 'blobs', digest, bytes);
        await this.#write((state) => states.stage(state, slot, stored));
      } catch (error) {
        await this.#sweep().catch(() => {});
        throw error;
      }
      return stored;
    });
  }

  /** @throws RN802, RN804 no bundle is staged, or one is on trial */
  beginTrial(slot: string): Promise<states.Stored> {
    return this.#next('the state', async () => {
      const { staged, trial } = this.slot(slot);
      if (!staged || trial) throw trial ? busy(slot) : nothing(slot, 'there is no bundle to try');
      await this.#write((state) => states.beginTrial(state, slot));
      return staged;
    });
  }

  /** The staged bundle is the one that runs from now on. @throws RN802, RN804 */
  confirm(slot: string): Promise<states.Stored> {
    return this.#next('the state', async () => {
      const { staged } = this.slot(slot);
      if (!staged) throw nothing(slot, 'there is no bundle to confirm');
      await this.#write((state) => states.confirm(state, slot));
      return staged;
    });
  }

  /** The staged bundle is given up, with the code and the sentence that say why. */
  revert(slot: string, code: string, why: string): Promise<void> {
    return this.#next('the state', () => this.#writeOrKeep((state) => states.revert(state, slot, code, why)));
  }

  /** The bundle before runs again. @throws RN802, RN804 there is none */
  rollBack(slot: string, code: string, why: string): Promise<states.Stored> {
    return this.#next('the state', async () => {
      const { previous } = this.slot(slot);
      if (!previous) throw nothing(slot, 'there is no bundle before this one');
      await this.#writeOrKeep((state) => states.rollBack(state, slot, code, why));
      return previous;
    });
  }

  /** This run has lasted: crashes are counted from zero again. */
  healthy(): Promise<void> {
    return this.#next('the state', () => this.#write((state) => ({ ...state, crashes: 0 })));
  }

  leaveSafeMode(): Promise<void> {
    return this.#next('the state', () => this.#write((state) => ({ ...state, crashes: 0, safeMode: false })));
  }

  /** A stop that is no crash. */
  close(): Promise<void> {
    return this.#next('the state', () => this.#write((state) => ({ ...state, crashes: 0, stopped: true })));
  }

  #next<T>(what: string, run: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(run).catch((error: unknown) => {
      throw diskError(error, what);
    });
    this.#queue = done.catch(() => {});
    return done;
  }

  async #write(change: (state: states.GatewayState) => states.GatewayState): Promise<void> {
    const next = change(this.#state);
    try {
      await writeWhole(this.#disk, '.', 'state', states.encodeState(next));
      this.#state = next;
    } catch (error) {
      // the rename may have happened
      const found = await this.#disk.read('state').catch(() => undefined);
      if (found) this.#state = states.decodeState(found, 'state');
      throw error;
    }
    await this.#sweep().catch(() => {});
  }

  /** Removes what the state does not name; a failure leaves it for the next time. */
  async #sweep(): Promise<void> {
    const kept = states.referenced(this.#state);
    for (const name of await this.#disk.list('blobs')) if (!kept.has(name)) await this.#disk.unlink(`blobs/${name}`);
    if (await this.#disk.read('state.part')) await this.#disk.unlink('state.part');
  }
}

const busy = (slot: string): RunletError =>
  new RunletError('RN804', {
    what: 'a bundle is on trial already',
    where: `slot ${slot}`,
    tryThis: 'wait for its verdict, confirm it, or roll it back',
  });

const nothing = (slot: string, what: string): RunletError =>
  new RunletError('RN804', { what, where: `slot ${slot}`, tryThis: '`runlet status` says what is there' });
