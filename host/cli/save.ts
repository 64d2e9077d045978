/**
 * Files that a verb writes.
 *
 * In: a path and text or bytes.  Out: the file, in a folder that is made where it is not there; `save` says so on stderr.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bytesText } from '../report/table.ts';

export async function writeOut(path: string, data: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, data);
}

export async function save(path: string, text: string): Promise<void> {
  await writeOut(path, text);
  process.stderr.write(`wrote ${path}: ${bytesText(Buffer.byteLength(text))}\n`);
}
