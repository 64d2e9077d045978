/**
 * Files that a verb writes beside its result.
 *
 * In: a path and text.  Out: the file, in a folder that is made where it is not there; one line on stderr.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bytesText } from '../report/table.ts';

export async function save(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  process.stderr.write(`wrote ${path}: ${bytesText(Buffer.byteLength(text))}\n`);
}
