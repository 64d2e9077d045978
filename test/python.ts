/** Python for tests of recipes: the interpreter RUNLET_PYTHON, by default python3. */
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';

const python = process.env.RUNLET_PYTHON ?? 'python3';
const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };

/** Runs Python in a folder. */
export const runPython = (args: string[], cwd?: string) =>
  spawnSync(python, args, { env, cwd, encoding: 'utf8', maxBuffer: 1 << 26 });

/** Adds a test, or skips it if a Python statement fails in the folder. The message says what is missing. */
export function withPython(
  title: string,
  needs: { statement: string; hint: string; cwd?: string },
  body: () => Promise<void> | void,
): void {
  const { status, stderr } = runPython(['-c', needs.statement], needs.cwd);
  if (status === 0) return void test(title, body);
  const why = stderr?.trim().split('\n').at(-1) || `${python} does not start`;
  console.log(`skipped: ${title}: ${why}; ${needs.hint}; RUNLET_PYTHON names the interpreter`);
  test.skip(title, () => undefined);
}
