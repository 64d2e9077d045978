/**
 * Bundles on their way in: resumable by offset, as OCI registries and tus take blobs, also by the gateway's
 * next run.
 *
 * In: pieces with the offset where they begin.  Out: the whole, once its digest was said. Sizes are checked
 * before anything is read; what was received stays when a connection or the gateway breaks, and the client
 * asks where to go on. Every offset that it is told is one that a crash does not take back. Nothing is left
 * of an upload that ended, was refused, or was idle or under way too long; number and bytes of those that are
 * under way are bounded: a new one takes the place of the one that has been idle longest.
 *
 *     uploads/<id>   an upload (upload-log.ts)
 */
import { randomUUID } from 'node:crypto';
import { isRunletError, RunletError } from '../../../models/error.ts';
import type { Policy } from '../verify/policy.ts';
import { checkBytes } from '../verify/verify.ts';
import { type Disk, diskError } from './disk.ts';
import { UploadLog } from './upload-log.ts';

interface Upload {
  id: string;
  log: UploadLog;
  /** A request is writing, or it is verified. */
  busy: boolean;
  touchedMs: number;
}

export interface UploadLimits {
  /** Uploads under way. */
  most: number;
  /** What they may take in all, in largest bundles (Policy.mostBytes). */
  mostBundles: number;
  /** Without a request. A start counts as one. */
  idleMs: number;
  /** From its first request on. */
  oldestMs: number;
  /** Bytes that are synced at once; what waits for it is in memory. */
  pieceBytes: number;
  /** Milliseconds since 1970. */
  now: () => number;
}

export const uploadLimits: UploadLimits = {
  most: 8,
  mostBundles: 4,
  idleMs: 10 * 60_000,
  oldestMs: 24 * 3_600_000,
  pieceBytes: 64 << 10,
  now: Date.now,
};

const folder = 'uploads';
const pathOf = (id: string): string => `${folder}/${id}`;
const ids = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const lookMs = 30_000;

/** What an upload may still come to. */
const sizeOf = ({ log }: Pick<Upload, 'log'>): number => Math.max(log.header.length ?? 0, log.received);

export class Uploads {
  #disk: Disk;
  #policy: Policy;
  #limits: UploadLimits;
  #all = new Map<string, Upload>();
  /** Uploads begin one after the other, so that each finds the room that it was given. */
  #begins: Promise<unknown> = Promise.resolve();
  #look: NodeJS.Timeout;

  private constructor(disk: Disk, policy: Policy, limits: UploadLimits) {
    this.#disk = disk;
    this.#policy = policy;
    this.#limits = limits;
    this.#look = setInterval(() => void this.expire().catch(() => {}), lookMs).unref();
  }

  /**
   * Takes up what the run before left, the newest first, and removes what is too much, too old or damaged.
   * @throws RN802
   */
  static async open(disk: Disk, policy: Policy, limits: Partial<UploadLimits> = {}): Promise<Uploads> {
    const uploads = new Uploads(disk, policy, { ...uploadLimits, ...limits });
    try {
      await uploads.#recover();
    } catch (error) {
      await uploads.close();
      throw diskError(error, 'the folder of uploads');
    }
    return uploads;
  }

  async #recover(): Promise<void> {
    const { most, now } = this.#limits;
    const names = await this.#disk.list(folder);
    const found: Upload[] = [];
    for (const id of names) {
      // what cannot be read or synced is no reason not to start
      const log = ids.test(id) ? await UploadLog.recover(this.#disk, pathOf(id)).catch(unreadable) : undefined;
      const one = log && { id, log, busy: false, touchedMs: now() };
      if (one && sizeOf(one) <= this.#policy.mostBytes && !this.#isOld(one)) found.push(one);
      else await this.#disk.unlink(pathOf(id));
    }
    found.sort((a, b) => b.log.header.beganMs - a.log.header.beganMs);
    for (const one of found) {
      this.#all.set(one.id, one);
      if (this.#all.size > most || this.#bytes() > this.#mostBytes) await this.remove(one.id);
    }
    if (names.length > 0) await this.#disk.syncFolder(folder);
  }

  get size(): number {
    return this.#all.size;
  }

  get #mostBytes(): number {
    return this.#limits.mostBundles * this.#policy.mostBytes;
  }

  #bytes = (): number => [...this.#all.values()].reduce((sum, one) => sum + sizeOf(one), 0);
  #isOld = ({ log }: Pick<Upload, 'log'>): boolean => this.#limits.now() - log.header.beganMs > this.#limits.oldestMs;

  /** Removes what was idle or under way too long. */
  async expire(): Promise<void> {
    const { idleMs, now } = this.#limits;
    for (const one of [...this.#all.values()])
      if (!one.busy && (now() - one.touchedMs > idleMs || this.#isOld(one))) await this.remove(one.id);
  }

  /** @throws RN802, RN808, RN813 */
  begin(slot: string, length?: number): Promise<string> {
    const id = this.#begins.then(() => this.#begin(slot, length));
    this.#begins = id.catch(() => {});
    return id;
  }

  async #begin(slot: string, length?: number): Promise<string> {
    if (length !== undefined) checkBytes(length, this.#policy);
    await this.expire();
    await this.#makeRoom(length ?? 0);
    const id = randomUUID();
    const now = this.#limits.now();
    const log = await UploadLog.create(this.#disk, folder, id, { slot, length, beganMs: now });
    this.#all.set(id, { id, log, busy: false, touchedMs: now });
    return id;
  }

  /**
   * The one that has been idle longest goes; its client is told to begin again (RN806). @throws RN802, RN813
   * all are being written
   */
  async #makeRoom(bytes: number): Promise<void> {
    const full = () => this.#all.size >= this.#limits.most || this.#bytes() + bytes > this.#mostBytes;
    while (full()) {
      let oldest: Upload | undefined;
      for (const one of this.#all.values()) if (!one.busy && (!oldest || one.touchedMs < oldest.touchedMs)) oldest = one;
      if (!oldest) break;
      await this.remove(oldest.id);
    }
    if (this.#all.size >= this.#limits.most) throw tooMany(`there are ${this.#all.size}`);
    this.#checkRoom(bytes);
  }

  /** @throws RN813 */
  #checkRoom(more: number): void {
    const bytes = this.#bytes();
    if (bytes + more > this.#mostBytes)
      throw tooMany(`they take ${bytes} of ${this.#mostBytes} bytes, and ${more} more do not fit`);
  }

  /** Bytes received so far, which no crash takes back. @throws RN806 */
  offset(id: string): number {
    const upload = this.#find(id);
    upload.touchedMs = this.#limits.now();
    return upload.log.received;
  }

  /**
   * Takes a piece that begins at `from` (default: where the last one ended).
   * @returns bytes received so far @throws RN806, RN807 it begins elsewhere, or another request is writing;
   * RN802, RN808, RN809, RN813
   */
  async append(id: string, pieces: AsyncIterable<Uint8Array>, from?: number): Promise<number> {
    const upload = this.#find(id);
    const { log } = upload;
    if (upload.busy || (from ?? log.received) !== log.received)
      throw new RunletError('RN807', {
        what: upload.busy ? 'another request is writing to this upload' : 'the piece does not begin where the last one ended',
        where: `upload ${id}`,
        why: `${log.received} bytes have been received${from === undefined ? '' : `, and it begins at ${from}`}`,
        tryThis: 'ask for the offset (HEAD), and go on there',
      });
    upload.busy = true;
    try {
      await this.#write(upload, pieces);
    } catch (error) {
      // a connection that broke leaves what came; a refusal or a full disk leaves nothing
      if (isRunletError(error)) await this.remove(id);
      throw error;
    } finally {
      upload.busy = false;
      upload.touchedMs = this.#limits.now();
    }
    return log.received;
  }

  async #write({ id, log }: Upload, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { length } = log.header;
    const waits = new Uint8Array(this.#limits.pieceBytes);
    let waiting = 0;
    const flush = async () => {
      if (waiting > 0) await log.append(waits.subarray(0, waiting));
      waiting = 0;
    };
    try {
      for await (const piece of pieces) {
        const now = log.received + waiting + piece.length;
        if (length !== undefined && now > length) throw tooLong(id, length);
        checkBytes(now, this.#policy);
        if (length === undefined) this.#checkRoom(waiting + piece.length);
        for (let at = 0; at < piece.length; ) {
          const part = piece.subarray(at, at + waits.length - waiting);
          waits.set(part, waiting);
          waiting += part.length;
          at += part.length;
          if (waiting === waits.length) await flush();
        }
      }
    } catch (error) {
      if (!isRunletError(error)) await flush();
      throw error;
    }
    await flush();
  }

  /**
   * Gives the whole bytes to `use`; then the upload ends, whatever `use` says. Where the gateway ends before,
   * it can be done again.
   * @throws RN806, RN807 another request is writing, RN809 bytes are missing, and what `use` throws
   */
  async finish<T>(id: string, use: (whole: { slot: string; bytes: Uint8Array }) => Promise<T>): Promise<T> {
    const upload = this.#find(id);
    const { received, header } = upload.log;
    if (upload.busy)
      throw new RunletError('RN807', {
        what: 'another request is writing to this upload',
        where: `upload ${id}`,
        tryThis: 'wait for it',
      });
    if (received === 0 || (header.length !== undefined && received !== header.length))
      throw new RunletError('RN809', {
        what: 'the upload is not complete',
        where: `upload ${id}`,
        why: `${received} of ${header.length ?? 'some'} bytes have been received`,
        tryThis: 'send the rest, then its digest',
      });
    upload.busy = true;
    try {
      return await use({ slot: header.slot, bytes: await upload.log.read() });
    } finally {
      await this.remove(id);
    }
  }

  async remove(id: string): Promise<void> {
    const upload = this.#all.get(id);
    if (!upload) return;
    this.#all.delete(id);
    await this.#disk.unlink(pathOf(id));
    await this.#disk.syncFolder(folder);
  }

  /** What is under way stays on the disk for the next run. */
  async close(): Promise<void> {
    clearInterval(this.#look);
    // a request that is still writing must not find its upload to remove
    this.#all.clear();
  }

  #find(id: string): Upload {
    const upload = this.#all.get(id);
    if (upload) return upload;
    throw new RunletError('RN806', {
      what: 'there is no such upload',
      where: id.slice(0, 40),
      why: 'it has ended, was idle too long, or was never begun',
      tryThis: 'begin a new one',
    });
  }
}

/** An error of the disk or of the header: nothing that can be gone on with. Anything else is a fault. */
function unreadable(error: unknown): undefined {
  if (error instanceof SyntaxError || typeof (error as { code?: unknown }).code === 'string') return undefined;
  throw error;
}

const tooMany = (why: string): RunletError =>
  new RunletError('RN813', {
    what: 'too many uploads are under way',
    where: 'uploads',
    why,
    tryThis: 'try again later; an upload without a request for ten minutes ends',
  });

const tooLong = (id: string, length: number): RunletError =>
  new RunletError('RN809', {
    what: 'the upload is longer than was said',
    where: `upload ${id}`,
    why: `${length} bytes were announced`,
    tryThis: 'begin a new one',
  });
