/**
 * Python for the tests of models/train/wake-word: RUNLET_PYTHON, by default python3.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'uvu';
import { root } from '../shared.ts';

export const folder = join(root, 'models/train/wake-word');
const python = process.env.RUNLET_PYTHON ?? 'python3';
const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };

/** Runs Python in the recipe's folder. */
export const run = (...args: string[]) => spawnSync(python, args, { env, cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });

/** Adds a test, or skips it if a Python statement fails. The message says what is missing. */
export function withPython(title: string, statement: string, hint: string, body: () => Promise<void> | void): void {
  const { status, stderr } = run('-c', statement);
  if (status === 0) return void test(title, body);
  console.log(`skipped: ${title}: ${stderr?.trim().split('\n').at(-1) || `${python} does not start`}; ${hint}`);
  test.skip(title, () => undefined);
}
