/**
 * Runs `runlet page` as a process, for tests.
 *
 * In: a folder and arguments.  Out: the address at which it listens, and its exit as a shell shows it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../shared.ts';

const bin = join(root, 'host/cli/bin.js');

export interface PageVerb {
  address: string;
  stderr: () => string;
  child: ChildProcess;
  /** Sends SIGINT. @returns the exit code */
  interrupt: () => Promise<number | null>;
}

/** Starts the verb. If the address is empty, it ended without listening. */
export async function startPage(cwd: string, ...args: string[]): Promise<PageVerb> {
  const child = spawn(process.execPath, [bin, 'page', ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.includes('\n')) resolve();
    });
    child.on('close', () => resolve());
  });
  const interrupt = () => {
    child.kill('SIGINT');
    return ended;
  };
  return { address: stdout.trim(), stderr: () => stderr, child, interrupt };
}
