/**
 * Starts processes for a test and collects their output.
 *
 * In: a command and its arguments; the set of running processes, which the test kills at its end.  Out: the
 * child, its text so far, and how it ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';

export function startProcess(children: Set<ChildProcess>, command: string, args: string[]) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  const printed = { out: '', err: '' };
  child.stdout.on('data', (part) => {
    printed.out += part;
  });
  child.stderr.on('data', (part) => {
    printed.err += part;
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (code) => {
      children.delete(child);
      resolve({ code, ...printed });
    }),
  );
  return { child, printed, ended };
}
