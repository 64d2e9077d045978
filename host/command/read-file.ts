/**
 * Files that are read whole, never more of them than a bound.
 *
 * In: a path and the largest number of bytes.  Out: the bytes. A regular file is refused by its size on the
 * disk, before anything is read; a pipe as soon as more than the bound has come. Files that another file
 * names must be regular: a pipe would wait for ever, a device would not end.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { RunletError } from '../../models/error.ts';
import { foreignFolder } from '../../models/read/foreign/index.ts';

/** Largest model, bundle or array that is read whole: 1 GiB, as sources (host/sources/source.ts). */
export const fileLimitBytes = 2 ** 30;

/** More than the bound is there. */
class TooLarge extends Error {}

/** Bytes that are read at a time; what a pipe gives at once. */
const pieceBytes = 1 << 16;

async function upTo(file: FileHandle, limitBytes: number): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let total = 0;
  for (;;) {
    const room = Buffer.allocUnsafe(Math.min(pieceBytes, limitBytes + 1 - total));
    const { bytesRead } = await file.read(room, 0, room.length, null);
    if (bytesRead === 0) return new Uint8Array(Buffer.concat(parts, total));
    total += bytesRead;
    if (total > limitBytes) throw new TooLarge(`it has more than ${limitBytes} bytes`);
    parts.push(room.subarray(0, bytesRead));
  }
}

/** A folder stands where a file is wanted. */
const isFolder = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EISDIR';

/**
 * A file's bytes, as its owner named it: a regular file or a pipe.
 * @throws RN720 it cannot be opened, RN724 it is too large, RN166 or RN167 it is a folder
 */
export async function readBytes(path: string, limitBytes = fileLimitBytes): Promise<Uint8Array> {
  try {
    return await read(path, limitBytes);
  } catch (error) {
    const { message } = error as Error;
    if (isFolder(error)) throw foreignFolder(await readdir(path), path);
    if (error instanceof TooLarge)
      throw new RunletError('RN724', {
        what: 'this file is too large',
        where: path,
        why: `${message}, and no more are read into memory`,
        tryThis: 'check that it is the file that you mean',
      });
    throw new RunletError('RN720', {
      what: 'this file cannot be opened',
      where: path,
      why: message,
      tryThis: 'check the path',
    });
  }
}

/**
 * The first bytes of a regular file, at most `headBytes`, and how many it has. @throws Error, with the reason
 */
export async function readHead(path: string, headBytes: number): Promise<{ bytes: Uint8Array; fileBytes: number }> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const about = await file.stat();
    if (!about.isFile()) throw new Error('it is no regular file');
    const { buffer, bytesRead } = await file.read(new Uint8Array(Math.min(headBytes, about.size)), 0, undefined, 0);
    return { bytes: buffer.subarray(0, bytesRead), fileBytes: about.size };
  } finally {
    await file.close();
  }
}

async function read(path: string, limitBytes: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > limitBytes) throw new TooLarge(`it has ${size} bytes, at most ${limitBytes} are wanted`);
    return await upTo(file, limitBytes);
  } finally {
    await file.close();
  }
}

/**
 * The bytes of a file that a model names, by its path below the model's folder; a link may not lead out of
 * it.
 * @throws Error, with the reason
 */
export async function readBeside(folder: string, path: string, limitBytes: number): Promise<Uint8Array> {
  const [base, target] = [await realpath(folder), await realpath(join(folder, path))];
  const way = relative(base, target);
  if (way.startsWith('..') || isAbsolute(way)) throw new Error("it is a link out of the model's folder");
  return readNamed(target, limitBytes);
}

/**
 * The bytes of a file that another file names. It must be a regular file.
 * @throws Error, with the reason
 */
export async function readNamed(path: string, limitBytes: number): Promise<Uint8Array> {
  // without O_NONBLOCK a pipe would wait here for a writer
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const about = await file.stat();
    if (!about.isFile()) throw new Error('it is no regular file');
    if (about.size > limitBytes) throw new TooLarge(`it has ${about.size} bytes, at most ${limitBytes} are wanted`);
    return await upTo(file, limitBytes);
  } finally {
    await file.close();
  }
}
