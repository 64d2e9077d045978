/**
 * One gateway a folder.
 *
 * In: a folder.  Out: what frees it, or RN864. The lock is a file with the process's number; one of a process that is gone is taken over.
 */
import { mkdir, open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { RunletError } from '../../../models/error.ts';

function lives(pid: number): boolean {
  if (!(pid > 0) || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** @throws RN864 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'lock');
  for (;;)
    try {
      const file = await open(path, 'wx', 0o600);
      await file.write(`${process.pid}\n`);
      await file.close();
      return () => unlink(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const pid = Number(await readFile(path, 'utf8').catch(() => ''));
      if (lives(pid))
        throw new RunletError('RN864', {
          what: 'another gateway uses this folder',
          where: folder,
          why: `process ${pid} holds ${path}`,
          tryThis: 'another --state; where that process is no gateway, remove the file',
        });
      await unlink(path).catch(() => {});
    }
}
