/**
 * The few operations of a disk that the store needs, so that tests can crash between any two of them.
 *
 * In: paths with forward slashes, below one folder.  Out: what POSIX promises and no more: bytes are there
 * after `sync` of their file, names after `syncFolder` of their folder, and `rename` replaces the target at
 * once or not at all.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunletError, RunletError } from '../../../models/error.ts';

export interface DiskFile {
  write(bytes: Uint8Array): Promise<void>;
  /** All bytes that were written are there after a crash. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /** undefined where there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** An empty file; one that was there is emptied. */
  create(path: string): Promise<DiskFile>;
  /** A file that is there, cut off after so many bytes; writes go to its end. */
  open(path: string, bytes: number): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  /** No error where there is no such file. */
  unlink(path: string): Promise<void>;
  /** Names in a folder; none where there is no such folder. */
  list(folder: string): Promise<string[]>;
  makeFolder(folder: string): Promise<void>;
  /** All names of the folder that were made, renamed or removed are so after a crash. */
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

/** The disk below a folder, by node:fs. */
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

/** No room, a quota, or a limit of a file's length (RLIMIT_FSIZE). */
export const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException)?.code ?? '');

/** What the system says of a disk, as the refusal RN802; other errors as they are. */
export function diskError(error: unknown, what: string): unknown {
  const code = (error as NodeJS.ErrnoException)?.code;
  if (isRunletError(error) || code === undefined) return error;
  return new RunletError('RN802', {
    what: `${what} could not be written to the disk`,
    where: 'state folder',
    why: isFull(error) ? 'the disk is full' : (error as Error).message,
    tryThis: 'free space; what ran before still runs',
  });
}

/** A file that is there with all its bytes under its name, or is not there under it. */
export async function writeWhole(disk: Disk, folder: string, name: string, bytes: Uint8Array): Promise<void> {
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
    await disk.unlink(part).catch(() => {});
    throw error;
  }
}
