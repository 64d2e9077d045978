/**
 * One upload on the disk: what it is for and the pieces that came, so that a start after a crash finds how
 * far it got.
 *
 * In: pieces, in order.  Out: a file that only grows, each piece under a checksum of itself and of all before
 * it. A piece counts once it is synced. What a crash leaves after the last whole piece (a torn write, zeros,
 * an older tail) fits no checksum and is cut off. The file is open while a piece is written, and no longer:
 * uploads that wait hold none.
 *
 *     file     "runlet-upload 1\n", records: first the header as JSON, then the upload's bytes
 *     record   u32 bytes, little endian; the check; bytes
 *     check    16 bytes of the SHA-256 of: the check before (at first 16 zeros), the length, the bytes
 */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { type Disk, type DiskFile, diskError } from './disk.ts';

const headerSchema = v.object({
  slot: v.string(),
  /** Bytes in all, where the client said. */
  length: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  /** Milliseconds since 1970. */
  beganMs: v.pipe(v.number(), v.finite()),
});
export type UploadHeader = v.InferOutput<typeof headerSchema>;

const magic = new TextEncoder().encode('runlet-upload 1\n');
const headBytes = 20;
const checkBytes = 16;

function checkOf(before: Uint8Array, length: Uint8Array, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(before).update(length).update(bytes).digest().subarray(0, checkBytes));
}

function recordOf(before: Uint8Array, bytes: Uint8Array): { record: Uint8Array; check: Uint8Array } {
  const record = new Uint8Array(headBytes + bytes.length);
  new DataView(record.buffer).setUint32(0, bytes.length, true);
  const check = checkOf(before, record.subarray(0, 4), bytes);
  record.set(check, 4);
  record.set(bytes, headBytes);
  return { record, check };
}

/** The whole records of a file, and where they end. */
function readRecords(file: Uint8Array): { records: Uint8Array[]; check: Uint8Array; end: number } {
  const records: Uint8Array[] = [];
  let check: Uint8Array = new Uint8Array(checkBytes);
  let end = 0;
  if (magic.every((byte, i) => byte === file[i])) {
    const view = new DataView(file.buffer, file.byteOffset, file.length);
    end = magic.length;
    while (end + headBytes < file.length) {
      const length = view.getUint32(end, true);
      const from = end + headBytes;
      if (length === 0 || from + length > file.length) break;
      const bytes = file.subarray(from, from + length);
      const wanted = checkOf(check, file.subarray(end, end + 4), bytes);
      if (!wanted.every((byte, i) => byte === file[end + 4 + i])) break;
      records.push(bytes);
      check = wanted;
      end = from + length;
    }
  }
  return { records, check, end };
}

const total = (parts: Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0);

function headerOf(record: Uint8Array | undefined): UploadHeader | undefined {
  if (!record) return undefined;
  const found = v.safeParse(headerSchema, JSON.parse(new TextDecoder().decode(record)));
  return found.success ? found.output : undefined;
}

export class UploadLog {
  readonly header: UploadHeader;
  #disk: Disk;
  #path: string;
  #check: Uint8Array;
  /** Bytes of the file, all of them whole records. */
  #end: number;
  #received: number;

  private constructor(
    disk: Disk,
    path: string,
    header: UploadHeader,
    about: { check: Uint8Array; end: number; received: number },
  ) {
    this.header = header;
    this.#disk = disk;
    this.#path = path;
    this.#check = about.check;
    this.#end = about.end;
    this.#received = about.received;
  }

  /** Bytes of the upload that are there after a crash. */
  get received(): number {
    return this.#received;
  }

  /** A new file in `folder`; it is there after a crash. @throws RN802, and nothing is left */
  static async create(disk: Disk, folder: string, name: string, header: UploadHeader): Promise<UploadLog> {
    const path = `${folder}/${name}`;
    let file: DiskFile | undefined;
    try {
      file = await disk.create(path);
      const { record, check } = recordOf(new Uint8Array(checkBytes), new TextEncoder().encode(JSON.stringify(header)));
      const begin = new Uint8Array(magic.length + record.length);
      begin.set(magic);
      begin.set(record, magic.length);
      await file.write(begin);
      await file.sync();
      await file.close();
      await disk.syncFolder(folder);
      return new UploadLog(disk, path, header, { check, end: begin.length, received: 0 });
    } catch (error) {
      await file?.close().catch(() => {});
      await disk.unlink(path).catch(() => {});
      throw diskError(error, 'the upload');
    }
  }

  /**
   * What a run before left, cut off after its last whole piece and synced; undefined: nothing that can be
   * gone on with.
   */
  static async recover(disk: Disk, path: string): Promise<UploadLog | undefined> {
    const found = await disk.read(path);
    const { records, check, end } = readRecords(found ?? new Uint8Array());
    const header = headerOf(records[0]);
    if (!header) return undefined;
    const file = await disk.open(path, end);
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    return new UploadLog(disk, path, header, { check, end, received: total(records.slice(1)) });
  }

  /**
   * Puts a piece on the disk; it is there after a crash. @throws RN802, after which the upload cannot go on
   */
  async append(bytes: Uint8Array): Promise<void> {
    const { record, check } = recordOf(this.#check, bytes);
    try {
      const file = await this.#disk.open(this.#path, this.#end);
      try {
        await file.write(record);
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      throw diskError(error, 'the upload');
    }
    this.#check = check;
    this.#end += record.length;
    this.#received += bytes.length;
  }

  /** All bytes of the upload; fewer than `received` where the file was changed meanwhile. @throws RN802 */
  async read(): Promise<Uint8Array> {
    const found = await this.#disk.read(this.#path).catch((error: unknown) => {
      throw diskError(error, 'the upload');
    });
    const parts = readRecords(found ?? new Uint8Array()).records.slice(1);
    const bytes = new Uint8Array(total(parts));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}
