/**
 * Reads whole files, up to a maximum size.
 *
 * In: a path and the maximum number of bytes.  Out: the bytes.  A regular file that is too large is refused
 * before it is read; a pipe is refused as soon as it delivers too much. A file that another file names must
 * be a regular file: reading a pipe could wait for ever, and a device may never end.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { RunletError } from '../../models/error.ts';
import { foreignFolder } from '../../models/read/foreign/index.ts';

/** Maximum size of a model, bundle or array that is read whole: 1 GiB, as in host/sources/source.ts. */
const fileLimitBytes = 2 ** 30;

/** The file is larger than the maximum. */
class TooLarge extends Error {}

/** Number of bytes per read: the capacity of a pipe. */
const pieceBytes = 1 << 16;

/** Reads the file to its end. @throws TooLarge if it has more than `limitBytes`. */
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

/** Checks whether reading failed because the path is a folder. */
const isFolder = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EISDIR';

/**
 * Reads a file that the user named: a regular file or a pipe.
 * @throws RN720 if it cannot be opened, RN724 if it is too large, RN166 or RN167 if it is a folder
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
        why: message,
        tryThis: 'check that this is the right file',
      });
    throw new RunletError('RN720', {
      what: 'this file cannot be opened',
      where: path,
      why: message,
      tryThis: 'check the path',
    });
  }
}

/** Reads up to `headBytes` from the start of a regular file, and its size. @throws Error with the reason. */
export async function readHead(path: string, headBytes: number): Promise<{ bytes: Uint8Array; fileBytes: number }> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const about = await file.stat();
    if (!about.isFile()) throw new Error('it is not a regular file');
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
    if (size > limitBytes) throw new TooLarge(`it has ${size} bytes, at most ${limitBytes} are read`);
    return await upTo(file, limitBytes);
  } finally {
    await file.close();
  }
}

/**
 * Reads a file that a model names by a path below the model's folder. A link must not lead out of the folder.
 * @throws Error with the reason.
 */
export async function readBeside(folder: string, path: string, limitBytes: number): Promise<Uint8Array> {
  const [base, target] = [await realpath(folder), await realpath(join(folder, path))];
  const way = relative(base, target);
  if (way.startsWith('..') || isAbsolute(way)) throw new Error("it is a link out of the model's folder");
  return readNamed(target, limitBytes);
}

/** Reads a file that another file names. It must be a regular file. @throws Error with the reason. */
export async function readNamed(path: string, limitBytes: number): Promise<Uint8Array> {
  // without O_NONBLOCK a pipe would wait here for a writer
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const about = await file.stat();
    if (!about.isFile()) throw new Error('it is not a regular file');
    if (about.size > limitBytes) throw new TooLarge(`it has ${about.size} bytes, at most ${limitBytes} are read`);
    return await upTo(file, limitBytes);
  } finally {
    await file.close();
  }
}
