/**
 * Writes the files of a verb.
 *
 * In: a path and text or bytes.  Out: the file; missing folders are created. `save` also prints a line to
 * stderr. Ctrl-C ends the process at once (shells show exit code 130). It is caught only while a file is
 * being written, to remove the incomplete file.
 */

import { rmSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { printableLines } from '../../models/printable.ts';
import { bytesText } from '../bytes-text.ts';
import { exitCodes } from '../command/args.ts';

/** Paths of incomplete files that are being written. */
const parts = new Set<string>();

function onInterrupt(): void {
  for (const part of parts) rmSync(part, { force: true });
  process.exit(exitCodes.interrupted);
}

function done(part: string): void {
  parts.delete(part);
  if (parts.size === 0) process.off('SIGINT', onInterrupt);
}

/** Lets `write` write to a temporary file next to `path`, and renames it when it is complete. */
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

/** Writes a file completely or not at all. */
export async function writeOut(path: string, data: string | Uint8Array): Promise<void> {
  const existing = await stat(path).catch(() => undefined);
  if (existing && !existing.isFile()) return writeFile(path, data); // a pipe or a device
  await writeWhole(path, (part) => writeFile(part, data));
}

/** Writes a page or an SVG, without characters that XML does not allow. */
export async function save(path: string, text: string): Promise<void> {
  await writeOut(path, printableLines(text));
  process.stderr.write(`wrote ${path}: ${bytesText(Buffer.byteLength(text))}\n`);
}
