/**
 * WAMR's fast interpreter as a program: cargo builds it once from this folder.
 *
 * In: modules, their separate weights, and hops of bytes as in docs/abi.md.  Out: outputs, the memory that
 * WAMR holds, nanoseconds per hop. The build is in node_modules/.cache, or in CARGO_TARGET_DIR. Source of
 * WAMR: the crate wamrx-sys, which cargo caches.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundle } from '../../assembly/build.ts';
import { root } from '../shared.ts';

const manifest = join(import.meta.dirname, 'Cargo.toml');
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'node_modules/.cache/runlet-wamr');
const program = join(target, 'release/runlet-wamr');

/** Tools that the build needs, and where each comes from. */
const tools = {
  cargo: 'Rust 1.85 or newer, rustup.rs',
  cmake: 'the package cmake',
  clang: 'the packages clang and libclang-dev',
};

/** Returns the missing tools in one line; undefined if all are installed. */
export function absentTools(needed: Record<string, string> = tools): string | undefined {
  const missing = Object.entries(needed).filter(([tool]) => spawnSync(tool, ['--version']).error !== undefined);
  if (missing.length > 0) return missing.map(([tool, from]) => `no ${tool}: ${from}`).join('; ');
  if (!('cargo' in needed)) return undefined;
  const { status, stderr } = spawnSync('cargo', ['fetch', '--locked', '--manifest-path', manifest], { encoding: 'utf8' });
  return status === 0 ? undefined : `cargo cannot fetch wamrx-sys: ${stderr.trim().split('\n')[0]}`;
}

const cargo = (...args: string[]): string =>
  execFileSync('cargo', [...args, '--locked', '--manifest-path', manifest], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: 'pipe',
  });

let built = false;
function call(...args: string[]): string {
  if (!built) cargo('build', '--release', '--target-dir', target);
  built = true;
  return execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26, stdio: 'pipe' });
}

/** Returns the folder of WAMR's source. */
export function wamrSource(): string {
  const { packages } = JSON.parse(cargo('metadata', '--format-version', '1')) as {
    packages: { name: string; manifest_path: string }[];
  };
  const found = packages.find(({ name }) => name === 'wamrx-sys');
  if (!found) throw new Error('wamrx-sys is not among the packages of test/wamr');
  return join(found.manifest_path, '../wasm-micro-runtime');
}

/** Runs `use` with a temporary folder. */
export async function inFolder<T>(use: (at: (name: string) => string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-wamr-'));
  try {
    return await use((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Held {
  hops: number;
  /** Number of hops after which an output was due. */
  outputs: number;
  /** Size of linear memory, in bytes. */
  linearBytes: number;
  /** Bytes of WAMR's pool for module, instance and a stack of 4096, on this 64-bit machine. */
  poolBytes: number;
  poolMostBytes: number;
}

/** A module and its separate weights, if it has any. */
export type Module = Pick<Bundle, 'wasm' | 'weights'>;

/** Writes a module and its weights side by side. @returns the module's path */
function write(at: (name: string) => string, name: string, { wasm, weights }: Module): string {
  writeFileSync(at(`${name}.wasm`), wasm);
  if (weights) writeFileSync(at(`${name}.weights.bin`), weights);
  return at(`${name}.wasm`);
}

/** Pushes all hops. @returns the outputs in order. @throws Error if the module does not load or traps */
export const runInWamr = (module: Module, frames: Uint8Array): Promise<Held & { bytes: Uint8Array }> =>
  inFolder((at) => {
    writeFileSync(at('frames'), frames);
    const held = JSON.parse(call('run', write(at, 'module', module), at('frames'), at('outputs'))) as Held;
    return { ...held, bytes: new Uint8Array(readFileSync(at('outputs'))) };
  });

/**
 * Number of processes that a measurement is spread over. The position of a process in memory can make an
 * interpreter up to twice as slow.
 */
const starts = 10;

/** Returns nanoseconds per hop of each module, at least `rounds` samples each. The modules take turns. */
export const timeInWamr = (modules: Module[], frames: Uint8Array, rounds: number): Promise<number[][]> =>
  inFolder((at): number[][] => {
    writeFileSync(at('frames'), frames);
    const paths = modules.map((module, i) => write(at, String(i), module));
    const each = String(Math.ceil(rounds / starts));
    const runs = Array.from({ length: starts }, () => JSON.parse(call('time', each, at('frames'), ...paths)) as number[][]);
    return modules.map((_, i) => runs.flatMap((run) => run[i] ?? []));
  });
