/**
 * Runs the tests of one mutant in a scratch copy, up to the first test that fails.
 *
 * In: a Scratch and test files.  Out: a Verdict: `failed` where a test failed, `passed` where all passed;
 * anything else is no answer. A file that dies before a test fails has answered nothing: the mutant has to
 * load.
 */
import { spawn } from 'node:child_process';
import { sharedDir } from '../shared.ts';
import type { Scratch } from './scratch.ts';

export type Verdict = 'failed' | 'passed' | 'skipped' | 'broken' | 'slow';

/** Far above what such a test takes: a mutant that ends nothing is no good mutant. */
const limitMs = 180_000;

/** uvu's mark of a failed test, written when it fails. */
const failedMark = '✘';

const count = (text: string, what: string): number => Number(new RegExp(`^\\s+${what}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);

export interface Answer {
  verdict: Verdict;
  /** What the test file wrote. */
  text: string;
  seconds: number;
}

/** One test file, in a group of processes of its own, which ends with the answer. */
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
        // it has ended by itself
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

/**
 * The tests of a mutant, one after the other: the first that does not pass is the answer; else all passed, or
 * all were skipped.
 */
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
