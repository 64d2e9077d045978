/**
 * Pool: runs tasks in parallel processes (scripts/fit/worker.ts), with a cache of results in a folder.
 *
 * In: tasks.  Out: results. The result of a task that already ran is read from the folder. A task that throws
 * gives undefined, and the reason is printed.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Task } from './worker.ts';

export class Pool {
  private readonly idle: ChildProcess[];
  private readonly all: ChildProcess[];
  private readonly waiting: ((child: ChildProcess) => void)[] = [];
  private readonly folder: string;

  constructor(folder: string, count = availableParallelism()) {
    this.folder = folder;
    const start = () =>
      fork(join(import.meta.dirname, 'worker.ts'), { execArgv: ['--import', 'tsx'], serialization: 'advanced' });
    this.all = Array.from({ length: count }, start);
    this.idle = [...this.all];
  }

  close(): void {
    for (const child of this.all) child.disconnect();
  }

  async run<T>(task: Task): Promise<T | undefined> {
    const kept = join(this.folder, `${createHash('sha256').update(JSON.stringify(task)).digest('hex').slice(0, 24)}.json`);
    if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as T;
    const child = this.idle.pop() ?? (await new Promise<ChildProcess>((resolve) => this.waiting.push(resolve)));
    const answer = await new Promise<{ result?: T; error?: string }>((resolve) => {
      child.once('message', resolve);
      child.send({ id: 0, task });
    });
    const next = this.waiting.shift();
    if (next) next(child);
    else this.idle.push(child);
    if (answer.error) process.stderr.write(`${JSON.stringify({ ...task, files: undefined })}: ${answer.error}\n`);
    else writeFileSync(kept, JSON.stringify(answer.result));
    return answer.result;
  }
}
