/**
 * Uploads: receives bundles in pieces. A client can resume an upload by offset, also after a restart of the
 * gateway, as with blobs of OCI registries and tus.
 *
 * In: pieces with their offsets.  Out: the complete bundle.  Errors: RN802, RN806, RN807, RN808, RN809,
 * RN813.
 * Rule: sizes are checked before anything is read. If a connection or the gateway breaks, received bytes
 * stay, and the client asks for the offset to continue from. Every reported offset is durable. An upload is
 * removed when it ends, is refused, is idle too long or is too old. The number and the bytes of pending
 * uploads are bounded; a new upload replaces the one that has been idle longest.
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
  /** True while a request writes to the upload or the bundle is verified. */
  busy: boolean;
  touchedMs: number;
}

export interface UploadLimits {
  /** Largest number of pending uploads. */
  maxCount: number;
  /** Upper bound of their total size, as a multiple of the largest bundle (Policy.maxBytes). */
  maxBundles: number;
  /** Time without a request after which an upload is removed, in milliseconds; counted again at a start. */
  idleMs: number;
  /** Longest time since the first request, in milliseconds. */
  oldestMs: number;
  /** Number of bytes that are buffered in memory and then synced together. */
  pieceBytes: number;
  /** Returns the time in milliseconds since 1970. */
  now: () => number;
}

const uploadLimits: UploadLimits = {
  maxCount: 8,
  maxBundles: 4,
  idleMs: 10 * 60_000,
  oldestMs: 24 * 3_600_000,
  pieceBytes: 64 << 10,
  now: Date.now,
};

const folder = 'uploads';
const pathOf = (id: string): string => `${folder}/${id}`;
const ids = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Time between two checks for old uploads, in milliseconds. */
const expireMs = 30_000;

/** Returns the announced size of an upload in bytes, or the bytes received so far if none was announced. */
const sizeOf = ({ log }: Pick<Upload, 'log'>): number => Math.max(log.header.length ?? 0, log.received);

export class Uploads {
  #disk: Disk;
  #policy: Policy;
  #limits: UploadLimits;
  #all = new Map<string, Upload>();
  /** Queue of new uploads. They begin one after the other, so that no other takes the room made for one. */
  #begins: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout;

  private constructor(disk: Disk, policy: Policy, limits: UploadLimits) {
    this.#disk = disk;
    this.#policy = policy;
    this.#limits = limits;
    this.#timer = setInterval(() => void this.expire().catch(() => {}), expireMs).unref();
  }

  /** Recovers uploads of the last run, newest first; removes excess, old and damaged ones. @throws RN802 */
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
    const { maxCount, now } = this.#limits;
    const names = await this.#disk.list(folder);
    const found: Upload[] = [];
    for (const id of names) {
      // an upload that cannot be read or synced must not prevent the start
      const log = ids.test(id) ? await UploadLog.recover(this.#disk, pathOf(id)).catch(unreadable) : undefined;
      const one = log && { id, log, busy: false, touchedMs: now() };
      if (one && sizeOf(one) <= this.#policy.maxBytes && !this.#isOld(one)) found.push(one);
      else await this.#disk.unlink(pathOf(id));
    }
    found.sort((a, b) => b.log.header.beganMs - a.log.header.beganMs);
    for (const one of found) {
      this.#all.set(one.id, one);
      if (this.#all.size > maxCount || this.#bytes() > this.#maxBytes) await this.remove(one.id);
    }
    if (names.length > 0) await this.#disk.syncFolder(folder);
  }

  get size(): number {
    return this.#all.size;
  }

  get #maxBytes(): number {
    return this.#limits.maxBundles * this.#policy.maxBytes;
  }

  #bytes = (): number => [...this.#all.values()].reduce((sum, one) => sum + sizeOf(one), 0);
  #isOld = ({ log }: Pick<Upload, 'log'>): boolean => this.#limits.now() - log.header.beganMs > this.#limits.oldestMs;

  /** Removes uploads that have been idle too long or are too old. */
  async expire(): Promise<void> {
    const { idleMs, now } = this.#limits;
    for (const one of [...this.#all.values()])
      if (!one.busy && (now() - one.touchedMs > idleMs || this.#isOld(one))) await this.remove(one.id);
  }

  /** Begins an upload. @returns its id. @throws RN802, RN808, RN813 */
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
   * Makes room by removing the uploads that have been idle longest; their clients get RN806.
   * @throws RN802, RN813 if all are being written.
   */
  async #makeRoom(bytes: number): Promise<void> {
    const full = () => this.#all.size >= this.#limits.maxCount || this.#bytes() + bytes > this.#maxBytes;
    while (full()) {
      let oldest: Upload | undefined;
      for (const one of this.#all.values()) if (!one.busy && (!oldest || one.touchedMs < oldest.touchedMs)) oldest = one;
      if (!oldest) break;
      await this.remove(oldest.id);
    }
    if (this.#all.size >= this.#limits.maxCount) throw tooMany(`there are ${this.#all.size}`);
    this.#checkRoom(bytes);
  }

  /** Checks that there is room for `more` bytes. @throws RN813 */
  #checkRoom(more: number): void {
    const bytes = this.#bytes();
    if (bytes + more > this.#maxBytes)
      throw tooMany(`they take ${bytes} of ${this.#maxBytes} bytes, and ${more} more do not fit`);
  }

  /** Returns the number of durable bytes, which is the offset to continue from. @throws RN806 */
  offset(id: string): number {
    const upload = this.#find(id);
    upload.touchedMs = this.#limits.now();
    return upload.log.received;
  }

  /**
   * Appends a piece.
   * @param from its offset; by default the end of the last piece.
   * @returns number of bytes received so far. @throws RN806, RN807 if the offset is wrong or another request
   * is writing; RN802, RN808, RN809, RN813
   */
  async append(id: string, pieces: AsyncIterable<Uint8Array>, from?: number): Promise<number> {
    const upload = this.#find(id);
    const { log } = upload;
    if (upload.busy || (from ?? log.received) !== log.received)
      throw new RunletError('RN807', {
        what: upload.busy ? 'another request is writing to this upload' : 'the piece does not begin where the last one ended',
        where: `upload ${id}`,
        why: `${log.received} bytes have been received${from === undefined ? '' : `, and it begins at ${from}`}`,
        tryThis: 'ask for the offset (HEAD) and continue there',
      });
    upload.busy = true;
    try {
      await this.#write(upload, pieces);
    } catch (error) {
      // received bytes stay after a broken connection, but not after a refusal or on a full disk
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
    const buffer = new Uint8Array(this.#limits.pieceBytes);
    let buffered = 0;
    const flush = async () => {
      if (buffered > 0) await log.append(buffer.subarray(0, buffered));
      buffered = 0;
    };
    try {
      for await (const piece of pieces) {
        const total = log.received + buffered + piece.length;
        if (length !== undefined && total > length) throw tooLong(id, length);
        checkBytes(total, this.#policy);
        if (length === undefined) this.#checkRoom(buffered + piece.length);
        for (let at = 0; at < piece.length; ) {
          const part = piece.subarray(at, at + buffer.length - buffered);
          buffer.set(part, buffered);
          buffered += part.length;
          at += part.length;
          if (buffered === buffer.length) await flush();
        }
      }
    } catch (error) {
      if (!isRunletError(error)) await flush();
      throw error;
    }
    await flush();
  }

  /**
   * Passes the complete bytes to `use` and then removes the upload, also if `use` throws. If the gateway ends
   * before that, the client can repeat it.
   * @throws RN806, RN807 if another request is writing, RN809 if bytes are missing, and the error of `use`
   */
  async finish<T>(id: string, use: (whole: { slot: string; bytes: Uint8Array }) => Promise<T>): Promise<T> {
    const upload = this.#find(id);
    const { received, header } = upload.log;
    if (upload.busy)
      throw new RunletError('RN807', {
        what: 'another request is writing to this upload',
        where: `upload ${id}`,
        tryThis: 'wait until that request has ended',
      });
    if (received === 0 || (header.length !== undefined && received !== header.length))
      throw new RunletError('RN809', {
        what: 'the upload is not complete',
        where: `upload ${id}`,
        why: `${received} of ${header.length ?? 'some'} bytes have been received`,
        tryThis: 'send the missing bytes, then the digest',
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

  /** Stops. Pending uploads stay on the disk for the next run. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    // a request that is still writing must not remove its upload
    this.#all.clear();
  }

  #find(id: string): Upload {
    const upload = this.#all.get(id);
    if (upload) return upload;
    throw new RunletError('RN806', {
      what: 'there is no such upload',
      where: id.slice(0, 40),
      why: 'it has ended, was idle too long, or never existed',
      tryThis: 'begin a new upload',
    });
  }
}

/** Ignores errors of the disk and of the header, which mean that the upload is lost. Throws other errors. */
function unreadable(error: unknown): undefined {
  if (error instanceof SyntaxError || typeof (error as { code?: unknown }).code === 'string') return undefined;
  throw error;
}

const tooMany = (why: string): RunletError =>
  new RunletError('RN813', {
    what: 'too many uploads are pending',
    where: 'uploads',
    why,
    tryThis: 'try again later; an upload ends after ten minutes without a request',
  });

const tooLong = (id: string, length: number): RunletError =>
  new RunletError('RN809', {
    what: 'the upload is longer than announced',
    where: `upload ${id}`,
    why: `${length} bytes were announced`,
    tryThis: 'begin a new upload',
  });
