/**
 * Bundles on their way in: resumable by offset, as OCI registries and tus take blobs.
 *
 * In: pieces with the offset where they begin.  Out: the whole, once its digest was said. Sizes are checked before anything is read; what was received
 * stays when a connection breaks, and the client asks where to go on. Nothing is left of an upload that ended, was refused, or was idle too long.
 */
import { randomUUID } from 'node:crypto';
import { RunletError } from '../../../models/error.ts';
import type { DiskFile } from '../store/disk.ts';
import type { Store } from '../store/store.ts';
import type { Policy } from '../verify/policy.ts';
import { checkBytes } from '../verify/verify.ts';

interface Upload {
  id: string;
  slot: string;
  file: DiskFile;
  received: number;
  /** Bytes in all, where the client said. */
  length?: number;
  /** A request is writing. */
  busy: boolean;
  touchedMs: number;
}

const mostUploads = 8;
const idleMs = 10 * 60_000;

export class Uploads {
  #store: Store;
  #policy: Policy;
  #all = new Map<string, Upload>();

  constructor(store: Store, policy: Policy) {
    this.#store = store;
    this.#policy = policy;
  }

  get size(): number {
    return this.#all.size;
  }

  /** @throws RN808, RN813 */
  async begin(slot: string, length?: number): Promise<string> {
    if (length !== undefined) checkBytes(length, this.#policy);
    const now = Date.now();
    for (const { id, busy, touchedMs } of this.#all.values()) if (!busy && now - touchedMs > idleMs) await this.remove(id);
    if (this.#all.size >= mostUploads)
      throw new RunletError('RN813', {
        what: 'too many uploads are under way',
        where: 'uploads',
        why: `there are ${this.#all.size}`,
        tryThis: 'try again later; an upload without a request for ten minutes ends',
      });
    const id = randomUUID();
    this.#all.set(id, { id, slot, file: await this.#store.createUpload(id), received: 0, length, busy: false, touchedMs: now });
    return id;
  }

  /** Bytes received so far. @throws RN806 */
  offset = (id: string): number => this.#find(id).received;

  /**
   * Takes a piece that begins at `from` (default: where the last one ended).
   * @returns bytes received so far @throws RN806, RN807 it begins elsewhere, or another request is writing; RN808, RN802
   */
  async append(id: string, pieces: AsyncIterable<Uint8Array>, from?: number): Promise<number> {
    const upload = this.#find(id);
    if (upload.busy || (from ?? upload.received) !== upload.received)
      throw new RunletError('RN807', {
        what: upload.busy ? 'another request is writing to this upload' : 'the piece does not begin where the last one ended',
        where: `upload ${id}`,
        why: `${upload.received} bytes have been received${from === undefined ? '' : `, and it begins at ${from}`}`,
        tryThis: 'ask for the offset (HEAD), and go on there',
      });
    upload.busy = true;
    try {
      for await (const piece of pieces) {
        if (upload.length !== undefined && upload.received + piece.length > upload.length) throw tooLong(id, upload.length);
        checkBytes(upload.received + piece.length, this.#policy);
        await upload.file.write(piece);
        upload.received += piece.length;
      }
    } catch (error) {
      // a connection that broke leaves what came; a refusal or a full disk leaves nothing
      const { code } = error as { code?: string };
      if (code?.startsWith('RN') || code === 'ENOSPC' || code === 'EDQUOT') await this.remove(id);
      throw code === 'ENOSPC' || code === 'EDQUOT' ? diskFull() : error;
    } finally {
      upload.busy = false;
      upload.touchedMs = Date.now();
    }
    return upload.received;
  }

  /** The whole bytes; the upload ends. @throws RN806, RN807, RN809 bytes are missing */
  async finish(id: string): Promise<{ slot: string; bytes: Uint8Array }> {
    const { slot, received, length, busy } = this.#find(id);
    if (busy || received === 0 || (length !== undefined && received !== length))
      throw new RunletError('RN809', {
        what: 'the upload is not complete',
        where: `upload ${id}`,
        why: `${received} of ${length ?? 'some'} bytes have been received`,
        tryThis: 'send the rest, then its digest',
      });
    const bytes = (await this.#store.readUpload(id)) ?? new Uint8Array();
    await this.remove(id);
    return { slot, bytes };
  }

  async remove(id: string): Promise<void> {
    const upload = this.#all.get(id);
    if (!upload) return;
    this.#all.delete(id);
    await upload.file.close().catch(() => {});
    await this.#store.removeUpload(id);
  }

  async close(): Promise<void> {
    for (const id of this.#all.keys()) await this.remove(id);
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

const tooLong = (id: string, length: number): RunletError =>
  new RunletError('RN809', {
    what: 'the upload is longer than was said',
    where: `upload ${id}`,
    why: `${length} bytes were announced`,
    tryThis: 'begin a new one',
  });

const diskFull = (): RunletError =>
  new RunletError('RN802', {
    what: 'the upload could not be written to the disk',
    where: 'state folder',
    why: 'the disk is full',
  });
