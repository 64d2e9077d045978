/**
 * Files that a verb writes.
 *
 * In: a path and text or bytes.  Out: the file, in a folder that is made where it is not there; `save` says
 * so on stderr. Ctrl-C ends the process as the system does it, at once, also in the middle of work (shells
 * show exit code 130). Only while a file is being written does the process catch it, to remove the part that
 * is there.
 */

import { rmSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { printableLines } from '../../models/printable.ts';
import { bytesText } from '../bytes-text.ts';
import { exitCodes } from '../command/args.ts';

/** Parts of files that are being written. */
const parts = new Set<string>();

function onInterrupt(): void {
  for (const part of parts) rmSync(part, { force: true });
  process.exit(exitCodes.interrupted);
}

function done(part: string): void {
  parts.delete(part);
  if (parts.size === 0) process.off('SIGINT', onInterrupt);
}

/** Writes a file by `write`, into a part beside it that becomes the file when it is whole. */
export async function writeWhole<T>(path: string, write: (part: string) => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.${process.pid}.part`;
  if (parts.size === 0) process.on('SIGINT', onInterrupt);
  parts.add(part);
  try {
    const result = await write(part);
    await rename(part, path);
    return result;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  } finally {
    done(part);
  }
}

/** Whole or not at all: what goes into a file that is there already is written beside it first. */
export async function writeOut(path: string, data: string | Uint8Array): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there && !there.isFile()) return writeFile(path, data); // a pipe or a device
  await writeWhole(path, (part) => writeFile(part, data));
}

/** A page or a picture: what XML does not allow is not in it. */
export async function save(path: string, text: string): Promise<void> {
  await writeOut(path, printableLines(text));
  process.stderr.write(`wrote ${path}: ${bytesText(Buffer.byteLength(text))}\n`);
}
