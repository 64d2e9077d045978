/**
 * UploadLog: one upload on the disk, with its header and the pieces received so far. A start after a crash
 * continues from the last complete piece.
 *
 * In: pieces, in order.  Out: a file that only grows, with a chained checksum for each piece.  Errors: RN802.
 * Rule: a piece counts as received once it is synced. Bytes after the last complete piece (a torn write,
 * zeros, an older tail) match no checksum and are cut off after a crash. The file is open only while a piece
 * is written, so idle uploads use no descriptor.
 *
 *     file     "runlet-upload 1\n", records: first the header as JSON, then the upload's bytes
 *     record   u32 bytes, little endian; the check; bytes
 *     check    16 bytes of the SHA-256 of: the previous check (first: 16 zeros), the length, the bytes
 */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { type Disk, type DiskFile, diskError } from './disk.ts';

const headerSchema = v.object({
  slot: v.string(),
  /** Total number of bytes, if the client announced it. */
  length: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  /** Time of the first request, in milliseconds since 1970. */
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

/** Reads the complete records of a file. @returns them, the last check, and the offset after them. */
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
  /** Number of bytes of complete records in the file. */
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

  /** Number of bytes of the upload that are durable. */
  get received(): number {
    return this.#received;
  }

  /** Creates a durable file in `folder`. @throws RN802; the file is then removed */
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
   * Opens the upload of an earlier run, cuts it off after the last complete piece and syncs it. Resolves with
   * undefined if the file has no valid header.
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

  /** Appends a piece and syncs it. @throws RN802; the upload cannot be continued then */
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

  /** Reads all bytes of the upload; fewer than `received` if the file was damaged meanwhile. @throws RN802 */
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
