/**
 * AssemblyScript to WebAssembly, in memory.
 *
 * In: the generated entry file.  Out: the module's bytes.  asc runs in a worker thread that starts with the first compilation and does
 * not keep the process alive.  Flags: docs/adr/0003 (no bulk memory, 16 bytes of stack, so that WAMR can shrink the memory below one page).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { RunletError } from '../../models/error.ts';
import { type Need, needsSource } from './needs.ts';
import { memoryBase, pagesFor, stackBytes } from './static-memory.ts';
import type { Target } from './target.ts';

const kernels = join(import.meta.dirname, '..', 'kernels');

export const flags = [
  '--runtime=stub',
  `--stackSize=${stackBytes}`,
  `--memoryBase=${memoryBase}`,
  '--noAssert',
  '--use=abort=',
  '--disable=bulk-memory',
  '--optimizeLevel=3',
  '--shrinkLevel=2',
];

interface Reply {
  id: number;
  wasm?: Uint8Array;
  diagnostics: string;
}

let worker: Worker | undefined;
let nextId = 0;
const waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>();

function ascWorker(): Worker {
  if (worker) return worker;
  worker = new Worker(new URL('./asc-worker.mjs', import.meta.url), { execArgv: [] });
  worker.on('message', (reply: Reply) => {
    waiting.get(reply.id)?.resolve(reply);
    waiting.delete(reply.id);
    if (waiting.size === 0) worker?.unref();
  });
  worker.on('error', (error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    worker = undefined;
  });
  return worker;
}

/** Kernel sources by the path that the generated module imports them under. */
let read: Record<string, string> | undefined;
export function kernelFiles(needs?: ReadonlySet<Need>): Record<string, string> {
  read ??= readKernels();
  return needs ? { ...read, 'kernels/needs.ts': needsSource(needs) } : read;
}

function readKernels(): Record<string, string> {
  const files = readdirSync(kernels).filter((f) => f.endsWith('.ts'));
  return Object.fromEntries(files.map((f) => [`kernels/${f}`, readFileSync(join(kernels, f), 'utf8')]));
}

/**
 * Compiles `module.ts` with a fixed memory of `memoryBytes`, rounded up to pages; `needs`: of its layers, everything if left out.
 * @throws RunletError RN501 with asc's diagnostics
 */
export async function compile(
  source: string,
  memoryBytes: number,
  target: Target,
  needs?: ReadonlySet<Need>,
): Promise<Uint8Array> {
  const pages = pagesFor(memoryBytes);
  const argv = [
    `--initialMemory=${pages}`,
    `--maximumMemory=${pages}`,
    ...flags,
    ...(target === 'simd' ? ['--enable=simd'] : []),
  ];
  const id = nextId++;
  const reply = await new Promise<Reply>((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    const thread = ascWorker();
    thread.ref();
    thread.postMessage({ id, source, files: kernelFiles(needs), argv });
  });
  if (!reply.wasm) {
    throw new RunletError('RN501', {
      what: 'the generated module does not compile',
      where: 'module.ts',
      why: reply.diagnostics.trim(),
      tryThis: 'this is a fault of Runlet: --emit-as DIR keeps the source for a report',
    });
  }
  return reply.wasm;
}
