/**
 * Disk: the few disk operations that the store needs. Tests can simulate a crash between any two of them.
 *
 * In: paths with forward slashes, below one folder.  Out: the guarantees of POSIX and no more. After a crash,
 * bytes exist if their file was synced (`sync`), and names exist if their folder was synced (`syncFolder`).
 * `rename` is atomic: it replaces the target completely or not at all.  Errors: RN802.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunletError, RunletError } from '../../../models/error.ts';

export interface DiskFile {
  write(bytes: Uint8Array): Promise<void>;
  /** Makes all written bytes durable: they exist after a crash. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /** Reads a file; resolves with undefined if it does not exist. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Creates an empty file, or empties an existing one. */
  create(path: string): Promise<DiskFile>;
  /** Opens an existing file, truncates it to `bytes` bytes and appends to it. */
  open(path: string, bytes: number): Promise<DiskFile>;
  /**
   * Opens an existing file at its start. What is written replaces its bytes in place; its length, `bytes`,
   * stays. Resolves with undefined if it does not exist.
   */
  edit(path: string): Promise<(DiskFile & { bytes: number }) | undefined>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; no error if it does not exist. */
  unlink(path: string): Promise<void>;
  /** Lists the names in a folder; none if it does not exist. */
  list(folder: string): Promise<string[]>;
  makeFolder(folder: string): Promise<void>;
  /** Makes created, renamed and removed names in a folder durable. */
  syncFolder(folder: string): Promise<void>;
}

const isAbsent = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

class NodeFile implements DiskFile {
  #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) at += (await this.#handle.write(bytes, at)).bytesWritten;
  }

  sync = (): Promise<void> => this.#handle.sync();
  close = (): Promise<void> => this.#handle.close();
}

/** Returns the disk below a folder, through node:fs. */
export function nodeDisk(root: string): Disk {
  const at = (path: string) => join(root, path);
  return {
    read: (path) =>
      readFile(at(path)).catch((error: unknown) => {
        if (isAbsent(error)) return undefined;
        throw error;
      }),
    create: async (path) => new NodeFile(await open(at(path), 'w', 0o600)),
    open: async (path, bytes) => {
      const handle = await open(at(path), constants.O_WRONLY | constants.O_APPEND);
      try {
        await handle.truncate(bytes);
      } catch (error) {
        await handle.close();
        throw error;
      }
      return new NodeFile(handle);
    },
    edit: async (path) => {
      const handle = await open(at(path), 'r+').catch((error: unknown) => {
        if (!isAbsent(error)) throw error;
      });
      if (!handle) return undefined;
      try {
        return Object.assign(new NodeFile(handle), { bytes: (await handle.stat()).size });
      } catch (error) {
        await handle.close();
        throw error;
      }
    },
    rename: (from, to) => rename(at(from), at(to)),
    unlink: (path) =>
      unlink(at(path)).catch((error: unknown) => {
        if (!isAbsent(error)) throw error;
      }),
    list: (folder) =>
      readdir(at(folder)).catch((error: unknown) => {
        if (isAbsent(error)) return [];
        throw error;
      }),
    makeFolder: async (folder) => {
      await mkdir(at(folder), { recursive: true, mode: 0o700 });
    },
    syncFolder: async (folder) => {
      const handle = await open(at(folder), 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
  };
}

/** Returns true for a full disk, a quota, or the limit of a file's size (RLIMIT_FSIZE). */
export const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException)?.code ?? '');

/** Returns RN802 for an error of the operating system, and any other error unchanged. */
export function diskError(error: unknown, what: string): unknown {
  const code = (error as NodeJS.ErrnoException)?.code;
  if (isRunletError(error) || code === undefined) return error;
  return new RunletError('RN802', {
    what: `${what} could not be written to the disk`,
    where: 'state folder',
    why: isFull(error) ? 'the disk is full' : (error as Error).message,
    tryThis: 'free space; the bundles that ran before still run',
  });
}

/** Overwrites a file with zeros, durably, and then removes it. Needs no space on the disk. */
export async function eraseFile(disk: Disk, path: string): Promise<void> {
  const file = await disk.edit(path);
  if (!file) return;
  try {
    await file.write(new Uint8Array(file.bytes));
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.unlink(path);
}

/**
 * Writes a file atomically: after a crash it is complete, or the old file (or none) is there.
 * @param remove removes the incomplete file after a failure.
 */
export async function writeWhole(
  disk: Disk,
  folder: string,
  name: string,
  bytes: Uint8Array,
  remove: (part: string) => Promise<void> = (part) => disk.unlink(part),
): Promise<void> {
  const path = folder === '.' ? name : `${folder}/${name}`;
  const part = `${path}.part`;
  try {
    const file = await disk.create(part);
    try {
      await file.write(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(part, path);
    await disk.syncFolder(folder);
  } catch (error) {
    await remove(part).catch(() => {});
    throw error;
  }
}
