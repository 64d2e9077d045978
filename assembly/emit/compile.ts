/**
 * The compiler's tools in Node.
 *
 * In: jobs of compiler.ts.  Out: bytes.  asc runs in a worker thread.
 * It starts with the first compilation and does not keep the process alive.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Compiled, compileWith, type Job, kernelFilesOf, type Tools } from './compiler.ts';
import type { Need } from './needs.ts';
import type { Target } from './target.ts';

const kernels = join(import.meta.dirname, '..', 'kernels');
/** At the top of the sources, and of dist/. */
const configFile = join(import.meta.dirname, '../../asconfig.json');

type Reply = Compiled & { id: number };

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

let read: Record<string, string> | undefined;
let config: string | undefined;

function readKernels(): Record<string, string> {
  const files = readdirSync(kernels).filter((f) => f.endsWith('.ts'));
  return Object.fromEntries(files.map((f) => [`kernels/${f}`, readFileSync(join(kernels, f), 'utf8')]));
}

const assemble = (job: Job): Promise<Compiled> => {
  const id = nextId++;
  return new Promise<Reply>((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    const thread = ascWorker();
    thread.ref();
    thread.postMessage({ id, ...job });
  });
};

export const nodeTools: Tools = {
  kernels: () => {
    read ??= readKernels();
    return read;
  },
  config: () => {
    config ??= readFileSync(configFile, 'utf8');
    return config;
  },
  assemble,
};

/** Kernel sources by the path that the generated module imports them under. */
export const kernelFiles = (needs?: ReadonlySet<Need>): Record<string, string> => kernelFilesOf(nodeTools, needs);

/** @throws RunletError RN501 with asc's diagnostics */
export const compile = (source: string, memoryBytes: number, target: Target, needs?: ReadonlySet<Need>): Promise<Uint8Array> =>
  compileWith(nodeTools, source, memoryBytes, target, needs);
