/**
 * Child processes of a load test: processor time and memory from /proc, and a life bound to this process.
 *
 * In: a child process.  Out: processor seconds (user and system) and resident bytes; 0 after its end.
 */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Usage {
  cpuS: number;
  rssBytes: number;
}

export function usageOf({ pid }: Pick<ChildProcess, 'pid'>): Usage {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    const cpuS = (Number(fields[11]) + Number(fields[12])) / 100;
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { cpuS, rssBytes: 1024 * Number(rss ?? 0) };
  } catch {
    return { cpuS: 0, rssBytes: 0 };
  }
}

/** Makes a child process end with this one, also if this one fails. */
export function bound(child: ChildProcess): void {
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
}
