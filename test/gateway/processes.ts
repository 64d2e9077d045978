/**
 * Processes that a test starts, and what they say.
 *
 * In: a command and its arguments; a set that holds what still runs, for the test's end to kill.  Out: the
 * child, its text as it comes, and how it ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';

export function startProcess(children: Set<ChildProcess>, command: string, args: string[]) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (part) => {
    said.out += part;
  });
  child.stderr.on('data', (part) => {
    said.err += part;
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (code) => {
      children.delete(child);
      resolve({ code, ...said });
    }),
  );
  return { child, said, ended };
}
