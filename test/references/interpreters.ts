/**
 * Runs tflite-micro and ai-edge-litert on a folder of files, at the versions of
 * test/fixtures/references/requirements.txt.
 *
 * In: models with the bytes of their inputs.  Out: the bytes of their outputs, or the reason why there are
 * none. RUNLET_REFERENCES (default RUNLET_PYTHON, then python3) is a Python with the packages. If it lacks
 * them, one line tells how to install them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../shared.ts';

const python = process.env.RUNLET_REFERENCES ?? process.env.RUNLET_PYTHON ?? 'python3';
const folder = join(root, 'test/fixtures/references');

export type Interpreter = 'tflm' | 'litert';

export interface Job {
  model: Uint8Array;
  /** Bytes of all inputs of step 0, then of step 1, ... */
  input: Uint8Array;
  /** Numbers of inputs and outputs. */
  ports: [number, number];
}

/** Checks whether both packages are installed, at the versions of requirements.txt. */
export function haveInterpreters(): boolean {
  const wanted: string[] = readFileSync(join(folder, 'requirements.txt'), 'utf8').match(/^[\w-]+==.+$/gm) ?? [];
  const code = `import importlib.metadata as m\nprint(*[f"{n}=={m.version(n)}" for n in ("tflite-micro", "ai-edge-litert")])`;
  const { stdout } = spawnSync(python, ['-c', code], { encoding: 'utf8' });
  const found = (stdout ?? '').trim().split(' ');
  if (found.length === 2 && found.every((p) => wanted.includes(p))) return true;
  console.log(
    'skipped: no Python with test/fixtures/references/requirements.txt; install it in a virtual environment and set RUNLET_REFERENCES to its python',
  );
  return false;
}

/** Returns the outputs of each job, in order; a string is the reason why there are none. */
export function runInterpreter(kind: Interpreter, jobs: readonly Job[]): (Uint8Array | string)[] {
  const temporary = mkdtempSync(join(tmpdir(), 'runlet-references-'));
  try {
    const at = (i: number, suffix: string) => join(temporary, `${i}.${suffix}`);
    for (const [i, { model, input, ports }] of jobs.entries()) {
      writeFileSync(at(i, 'tflite'), model);
      writeFileSync(at(i, 'in'), input);
      writeFileSync(at(i, 'ports'), ports.join(' '));
    }
    const { status, stderr } = spawnSync(python, [join(folder, 'run.py'), kind, temporary], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`run.py ended with ${status}: ${stderr.slice(-2000)}`);
    return jobs.map((_, i) =>
      existsSync(at(i, `${kind}.error`))
        ? readFileSync(at(i, `${kind}.error`), 'utf8')
        : new Uint8Array(readFileSync(at(i, kind))),
    );
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
