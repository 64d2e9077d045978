/**
 * A small disk that a test can fill and empty while a gateway uses it: a tmpfs of 1 MiB if this process may
 * mount one. Otherwise it limits the size of the files that the gateway's process writes to 0 bytes
 * (RLIMIT_FSIZE), at its start or while it runs.
 *
 * In: a folder.  Out: `fill` and `free`, and the command that starts a process on this disk.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class SmallDisk {
  readonly folder: string;
  readonly isMount: boolean;
  full = false;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    this.isMount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0;
  }

  /** Fills the disk. From now on neither these processes nor new ones can write. */
  fill(pids: number[] = []): void {
    this.full = true;
    if (!this.isMount) for (const pid of pids) spawnSync('prlimit', ['--pid', `${pid}`, '--fsize=0']);
    else
      for (let bytes = 1 << 20, i = 0; bytes >= 1; bytes >>= 1, i++)
        try {
          writeFileSync(join(this.folder, `filler-${i}`), new Uint8Array(bytes));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
  }

  free(): void {
    this.full = false;
    for (let i = 0; i <= 20; i++) rmSync(join(this.folder, `filler-${i}`), { force: true });
  }

  /** Returns the command that starts a process under the present limit. */
  command(command: string, args: string[]): [command: string, args: string[]] {
    if (this.isMount || !this.full) return [command, args];
    return ['sh', ['-c', 'ulimit -f 0; exec "$@"', 'sh', command, ...args]];
  }

  close(): void {
    if (this.isMount) spawnSync('umount', ['-l', this.folder]);
  }
}
