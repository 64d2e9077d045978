/**
 * Files that a verb writes.
 *
 * In: a path and text or bytes.  Out: the file, in a folder that is made where it is not there; `save` says so on stderr.
 */

import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { printableLines } from '../../models/printable.ts';
import { bytesText } from '../report/table.ts';

/** Whole or not at all: what goes into a file that is there already is written beside it first. */
export async function writeOut(path: string, data: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const there = await stat(path).catch(() => undefined);
  if (there && !there.isFile()) return writeFile(path, data); // a pipe or a device
  const beside = `${path}.${process.pid}.part`;
  try {
    await writeFile(beside, data);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** A page or a picture: what XML does not allow is not in it. */
export async function save(path: string, text: string): Promise<void> {
  await writeOut(path, printableLines(text));
  process.stderr.write(`wrote ${path}: ${bytesText(Buffer.byteLength(text))}\n`);
}
