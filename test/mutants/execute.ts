/**
 * Runs the tests of one mutant in a scratch copy, up to the first test that fails.
 *
 * In: a Scratch and test files.  Out: a Verdict: `failed` if a test failed, `passed` if all passed. Any other
 * verdict decides nothing; for example, a file that dies before a test fails is `broken`, since the mutant
 * must load.
 */
import { spawn } from 'node:child_process';
import { sharedDir } from '../shared.ts';
import type { Scratch } from './scratch.ts';

export type Verdict = 'failed' | 'passed' | 'skipped' | 'broken' | 'slow';

/** Time limit, far above what such a test needs beside others; a mutant that never ends is unsuitable. */
const limitMs = 400_000;

/** uvu's mark of a failed test, written as soon as it fails. */
const failedMark = '✘';

const count = (text: string, what: string): number => Number(new RegExp(`^\\s+${what}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);

export interface Answer {
  verdict: Verdict;
  /** Output of the test file. */
  text: string;
  seconds: number;
}

/** Runs one test file in a new process group, which is ended with the answer. */
export function runTest(scratch: Scratch, file: string, env: Record<string, string> = {}): Promise<Answer> {
  const from = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', file], {
      cwd: scratch.folder,
      detached: true,
      env: { ...process.env, FORCE_COLOR: '0', RUNLET_SHARED: sharedDir, TMPDIR: scratch.temporary, ...env },
    });
    let text = '';
    let early: Verdict | undefined;
    const end = (verdict: Verdict) => {
      early ??= verdict;
      try {
        process.kill(-(child.pid as number), 'SIGKILL');
      } catch {
        // it has already ended
      }
    };
    const timer = setTimeout(() => end('slow'), limitMs);
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (part.includes(failedMark)) end('failed');
    });
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      const [total, passed] = [count(text, 'Total'), count(text, 'Passed')];
      const natural: Verdict = total > passed ? 'failed' : code !== 0 ? 'broken' : passed > 0 ? 'passed' : 'skipped';
      resolve({ verdict: early ?? natural, text, seconds: (performance.now() - from) / 1000 });
    });
  });
}

/** Runs the tests of a mutant in order. The first verdict other than `passed` or `skipped` decides. */
export async function runTests(scratch: Scratch, files: readonly string[], env?: Record<string, string>): Promise<Answer> {
  const all: Answer = { verdict: 'skipped', text: '', seconds: 0 };
  for (const file of files) {
    const answer = await runTest(scratch, file, env);
    all.seconds += answer.seconds;
    all.text += answer.text;
    if (answer.verdict === 'skipped') continue;
    all.verdict = answer.verdict;
    if (answer.verdict !== 'passed') break;
  }
  return all;
}
