/**
 * The compiler's tools in Node.
 *
 * In: jobs of compiler.ts.  Out: bytes.  asc runs in a worker thread. The thread starts with the first
 * compilation or earlier (asc-thread.mjs), and does not keep the process alive.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { ascThread } from './asc-thread.mjs';
import { type Compiled, compileWith, type Job, type Tools } from './compiler.ts';
import type { Generated } from './entry.ts';
import type { Need } from './needs.ts';
import type { Target } from './target.ts';

const folders = ['kernels', 'runtime'];
/** At the root of the sources, and of dist/. */
const configFile = join(import.meta.dirname, '../../asconfig.json');

type Reply = Compiled & { id: number };

let worker: Worker | undefined;
let nextId = 0;
const waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>();

function ascWorker(): Worker {
  if (worker) return worker;
  worker = ascThread();
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

let sources: Record<string, string> | undefined;
let config: string | undefined;

function readSources(): Record<string, string> {
  const at = (...path: string[]) => join(import.meta.dirname, '..', ...path);
  const paths = folders.flatMap((folder) => readdirSync(at(folder)).map((file) => `${folder}/${file}`));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(at(path), 'utf8')]));
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
  sources: () => {
    sources ??= readSources();
    return sources;
  },
  config: () => {
    config ??= readFileSync(configFile, 'utf8');
    return config;
  },
  assemble,
};

/** Compiles a module. @throws RunletError RN501 with asc's diagnostics */
export const compile = (files: Generated, memoryBytes: number, target: Target, needs?: ReadonlySet<Need>): Promise<Uint8Array> =>
  compileWith(nodeTools, files, memoryBytes, target, needs);
