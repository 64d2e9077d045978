/**
 * WAMR's fast interpreter as a program: built by cargo from this folder, once, and called with modules and
 * frames.
 *
 * In: modules, their weights where those are apart, and hops of bytes as docs/abi.md has them.  Out: outputs,
 * what WAMR holds, nanoseconds a hop. The build lies in node_modules/.cache, or where CARGO_TARGET_DIR says.
 * Source of WAMR: the crate wamrx-sys, which is in cargo's own store once it was fetched.
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

/** Tools that the build needs, with where each comes from. */
const tools = {
  cargo: 'Rust 1.85 or newer, rustup.rs',
  cmake: 'the package cmake',
  clang: 'the packages clang and libclang-dev',
};

/** What is absent, as one line; undefined where everything is there. */
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

/** Folder of WAMR's own source. */
export function wamrSource(): string {
  const { packages } = JSON.parse(cargo('metadata', '--format-version', '1')) as {
    packages: { name: string; manifest_path: string }[];
  };
  const found = packages.find(({ name }) => name === 'wamrx-sys');
  if (!found) throw new Error('wamrx-sys is not among the packages of test/wamr');
  return join(found.manifest_path, '../wasm-micro-runtime');
}

/** Runs `use` with a folder of its own. */
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
  /** Hops after which an output was due. */
  outputs: number;
  /** Linear memory. */
  linearBytes: number;
  /** Of WAMR's pool: module, instance and stack of 4096; on this machine's 64 bits. */
  poolBytes: number;
  poolMostBytes: number;
}

/** A module, and its weights where they are apart. */
export type Module = Pick<Bundle, 'wasm' | 'weights'>;

/** Writes a module where the program finds it, and its weights beside it; the module's path. */
function write(at: (name: string) => string, name: string, { wasm, weights }: Module): string {
  writeFileSync(at(`${name}.wasm`), wasm);
  if (weights) writeFileSync(at(`${name}.weights.bin`), weights);
  return at(`${name}.wasm`);
}

/** Pushes all hops; the outputs one after the other. @throws where the module does not load or traps */
export const runInWamr = (module: Module, frames: Uint8Array): Promise<Held & { bytes: Uint8Array }> =>
  inFolder((at) => {
    writeFileSync(at('frames'), frames);
    const held = JSON.parse(call('run', write(at, 'module', module), at('frames'), at('outputs'))) as Held;
    return { ...held, bytes: new Uint8Array(readFileSync(at('outputs'))) };
  });

/**
 * Processes that a measurement is spread over: where a process happens to lie in memory makes an interpreter
 * up to twice as slow.
 */
const starts = 10;

/** Nanoseconds a hop of each module, at least `rounds` samples each, in turn. */
export const timeInWamr = (modules: Module[], frames: Uint8Array, rounds: number): Promise<number[][]> =>
  inFolder((at): number[][] => {
    writeFileSync(at('frames'), frames);
    const paths = modules.map((module, i) => write(at, String(i), module));
    const each = String(Math.ceil(rounds / starts));
    const runs = Array.from({ length: starts }, () => JSON.parse(call('time', each, at('frames'), ...paths)) as number[][]);
    return modules.map((_, i) => runs.flatMap((run) => run[i] ?? []));
  });
