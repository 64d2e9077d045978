/**
 * Store: the gateway's bundles and state on the disk.
 *
 * In: verified bundles, and decisions.  Out: after a crash at any operation, the old state or the new one.
 * Errors: RN800, RN802, RN803, RN804.
 * Rule: a blob is written before the state refers to it, and the state is replaced by a rename. Blobs without
 * a reference are removed afterwards and at every start. Operations run one at a time.
 *
 *     state          the state file (state.ts)
 *     blobs/<sha>    a bundle; *.part is an incomplete file
 *     uploads/*      uploads that are not complete (uploads.ts)
 */
import { createHash } from 'node:crypto';
import { RunletError } from '../../../models/error.ts';
import { type Disk, diskError, isFull, writeWhole } from './disk.ts';
import * as states from './state.ts';

export interface StoreOptions {
  /** Number of consecutive crashes that lead to safe mode (default 3). */
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

  /** Reads the state, ends unconfirmed trials, and removes unused blobs. @throws RN800, RN802 */
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
   * Changes the state, and keeps the change only in memory if the disk is full. The gateway can then still
   * start and stop a bad bundle, and the next start makes the same decisions.
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

  /** Reads a bundle and checks its digest. @throws RN803 */
  async blob({ digest }: Pick<states.Stored, 'digest'>): Promise<Uint8Array> {
    const bytes = await this.#disk.read(`blobs/${digest}`);
    if (bytes && createHash('sha256').update(bytes).digest('hex') === digest) return bytes;
    throw new RunletError('RN803', {
      what: 'a bundle on the disk is damaged',
      where: `blobs/${digest}`,
      why: bytes ? 'its SHA-256 is not its name' : 'it does not exist',
      tryThis: 'flash the bundle again, and check the disk',
    });
  }

  /** Writes a bundle to the disk and stages it, in place of one that is not on trial. @throws RN802, RN804 */
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

  /** Starts the trial of the staged bundle. @throws RN802, RN804 if none is staged or it is on trial */
  beginTrial(slot: string): Promise<states.Stored> {
    return this.#next('the state', async () => {
      const { staged, trial } = this.slot(slot);
      if (!staged || trial) throw trial ? busy(slot) : noBundle(slot, 'there is no bundle to try');
      await this.#write((state) => states.beginTrial(state, slot));
      return staged;
    });
  }

  /** Makes the staged bundle the active one. @throws RN802, RN804 */
  confirm(slot: string): Promise<states.Stored> {
    return this.#next('the state', async () => {
      const { staged } = this.slot(slot);
      if (!staged) throw noBundle(slot, 'there is no bundle to confirm');
      await this.#write((state) => states.confirm(state, slot));
      return staged;
    });
  }

  /** Removes the staged bundle, and records the code and the reason. */
  revert(slot: string, code: string, why: string): Promise<void> {
    return this.#next('the state', () => this.#writeOrKeep((state) => states.revert(state, slot, code, why)));
  }

  /** Makes the previous bundle active. @throws RN802, RN804 if there is none */
  rollBack(slot: string, code: string, why: string): Promise<states.Stored> {
    return this.#next('the state', async () => {
      const { previous } = this.slot(slot);
      if (!previous) throw noBundle(slot, 'there is no previous bundle');
      await this.#writeOrKeep((state) => states.rollBack(state, slot, code, why));
      return previous;
    });
  }

  /** Sets the size of a slot's pool of confirmed bundles. @throws RN802 */
  sizePool(slot: string, bytes: number): Promise<void> {
    return this.#next('the state', () => this.#write((state) => states.sizePool(state, slot, bytes)));
  }

  /**
   * Keeps a bundle of the pool longer than the others. Writes only if that changes their order. @throws RN802
   */
  prefer(slot: string, digest: string): Promise<void> {
    return this.#next('the state', async () => {
      const { pool = [] } = this.slot(slot);
      if (pool.at(-1)?.digest === digest || !pool.some((one) => one.digest === digest)) return;
      await this.#write((state) => states.prefer(state, slot, digest));
    });
  }

  /**
   * Stages a confirmed bundle that does not run. @throws RN802, RN804 if it is not kept or another is staged
   */
  stageKept(slot: string, digest: string): Promise<states.Stored> {
    return this.#next('the state', async () => {
      const { staged, trial } = this.slot(slot);
      if (trial) throw busy(slot);
      if (staged) throw noBundle(slot, 'another bundle is staged already');
      const found = states.resting(this.slot(slot)).find((one) => one.digest === digest);
      if (!found) throw noBundle(slot, 'no confirmed bundle with this digest is kept');
      await this.#write((state) => states.stage(state, slot, found));
      return found;
    });
  }

  /** Records that this run is healthy, and sets the count of crashes to zero. */
  healthy(): Promise<void> {
    return this.#next('the state', () => this.#write((state) => ({ ...state, crashes: 0 })));
  }

  leaveSafeMode(): Promise<void> {
    return this.#next('the state', () => this.#write((state) => ({ ...state, crashes: 0, safeMode: false })));
  }

  /** Records a regular stop. */
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

  /** Removes blobs that the state does not refer to. After a failure they stay until the next sweep. */
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

const noBundle = (slot: string, what: string): RunletError =>
  new RunletError('RN804', { what, where: `slot ${slot}`, tryThis: '`runlet status` shows the bundles of the slot' });
