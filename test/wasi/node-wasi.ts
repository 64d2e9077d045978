/**
 * Runs a WASI command in this process: on Node's WASI, or on a host whose results the test chooses.
 *
 * In: a module's bytes and standard input.  Out: exit status, standard output and error.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WASI } from 'node:wasi';
import type { Ran } from './runtimes.ts';

export async function runInNode(wasm: Uint8Array, input: Uint8Array): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'runlet-wasi-'));
  const at = (name: string) => join(folder, name);
  writeFileSync(at('in'), input);
  const [stdin, stdout, stderr] = [openSync(at('in'), 'r'), openSync(at('out'), 'w'), openSync(at('err'), 'w')] as const;
  try {
    const wasi = new WASI({ version: 'preview1', stdin, stdout, stderr, returnOnExit: true });
    const module = await WebAssembly.compile(wasm as BufferSource);
    const instance = await WebAssembly.instantiate(module, wasi.getImportObject() as WebAssembly.Imports);
    const status = wasi.start(instance) as unknown as number;
    return { status, out: new Uint8Array(readFileSync(at('out'))), err: readFileSync(at('err'), 'utf8') };
  } finally {
    for (const fd of [stdin, stdout, stderr]) closeSync(fd);
    rmSync(folder, { recursive: true });
  }
}

/** Result of a call that may move up to `maxBytes` bytes: the number of moved bytes, or a WASI error. */
export type Answer = (maxBytes: number, call: number) => number | { error: number };

/** Runs a command on a host whose calls return the results of `read` and `write`. */
export async function runOnHost(wasm: Uint8Array, input: Uint8Array, read: Answer, write: Answer): Promise<Ran> {
  const written: Record<number, number[]> = { 1: [], 2: [] };
  let from = 0;
  const calls = { read: 0, write: 0 };
  const exit = (status: number) => {
    throw { status };
  };
  let memory = new DataView(new ArrayBuffer(0));
  /** Handles a call with one iovec, its address and length. The number of bytes is written to `moved`. */
  const move = (
    iovecs: number,
    moved: number,
    answer: (maxBytes: number) => ReturnType<Answer>,
    copy: (at: number, n: number) => void,
  ) => {
    const given = answer(memory.getUint32(iovecs + 4, true));
    if (typeof given === 'object') return given.error;
    copy(memory.getUint32(iovecs, true), given);
    memory.setUint32(moved, given, true);
    return 0;
  };
  const bytes = (at: number, n: number) => new Uint8Array(memory.buffer, at, n);
  const wasi_snapshot_preview1 = {
    fd_read: (_fd: number, iovecs: number, _count: number, moved: number) =>
      move(iovecs, moved, (maxBytes) => read(Math.min(maxBytes, input.length - from), calls.read++), (at, n) => {
        bytes(at, n).set(input.subarray(from, from + n));
        from += n;
      }), // biome-ignore format: a call and its copy
    fd_write: (fd: number, iovecs: number, _count: number, moved: number) =>
      move(iovecs, moved, (maxBytes) => (fd === 2 ? maxBytes : write(maxBytes, calls.write++)), (at, n) => {
        written[fd]?.push(...bytes(at, n));
      }), // biome-ignore format: a call and its copy
    proc_exit: exit,
  };
  const module = await WebAssembly.compile(wasm as BufferSource);
  const { exports } = await WebAssembly.instantiate(module, { wasi_snapshot_preview1 });
  memory = new DataView((exports.memory as WebAssembly.Memory).buffer);
  let status = 0;
  try {
    (exports._start as () => void)();
  } catch (error) {
    if (typeof (error as { status?: unknown }).status !== 'number') throw error;
    status = (error as { status: number }).status;
  }
  return { status, out: Uint8Array.from(written[1] ?? []), err: new TextDecoder().decode(Uint8Array.from(written[2] ?? [])) };
}
