/**
 * Compiles for a test and its child processes in the threads of server.mjs. test/run.ts loads this file into
 * them through NODE_OPTIONS.
 *
 * A thread for asc-worker.mjs or ir-worker.mjs is not started if that file, its imports and the installed
 * compiler are those of this tree: the server then gives the same bytes for the same job. Any other thread
 * (of an installed package or of a copy with a fault) is started as usual.
 */
import { EventEmitter } from 'node:events';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { deserialize, serialize } from 'node:v8';
import threads from 'node:worker_threads';

const path = process.env.RUNLET_TEST_COMPILER;
const root = join(import.meta.dirname ?? dirname(fileURLToPath(import.meta.url)), '../..');

/**
 * For the name of a thread's file: the kind of request, the files that determine its result (relative to its
 * folder), and the compiler.
 */
const kinds = {
  'asc-worker.mjs': { kind: 'asc', folder: 'assembly/emit', files: ['asc-worker.mjs', 'tools.mjs', '../../asconfig.mjs'] },
  'ir-worker.mjs': { kind: 'ir', folder: 'assembly/c', files: ['ir-worker.mjs'] },
};

/** Returns the location of a package that is imported from `folder`. */
function packageOf(folder, name) {
  const place = join(folder, 'node_modules', name);
  if (existsSync(place)) return realpathSync(place);
  return dirname(folder) === folder ? undefined : packageOf(dirname(folder), name);
}

/** Returns the kind of request that replaces this thread, or undefined if the thread is started. */
export function kindOf(url) {
  const file = url instanceof URL && url.protocol === 'file:' ? fileURLToPath(url) : '';
  const known = kinds[/[^\\/]*$/.exec(file)[0]];
  if (!known) return undefined;
  const folder = dirname(file);
  const same = (name) => {
    const there = join(folder, name);
    return existsSync(there) && readFileSync(there).equals(readFileSync(join(root, known.folder, name)));
  };
  const compilers = ['assemblyscript', 'binaryen'];
  if (!known.files.every(same) || !compilers.every((name) => packageOf(folder, name) === packageOf(root, name))) return undefined;
  return known.kind;
}

/** Replaces a Worker, with the methods that assembly/emit/compile.ts and assembly/c/ir.ts use. */
class Asked extends EventEmitter {
  #kind;
  constructor(kind, workerData) {
    super();
    this.#kind = kind;
    if (kind === 'ir') this.postMessage(workerData);
  }
  postMessage(data) {
    const parts = [];
    const socket = connect({ path });
    socket.on('error', (error) => this.emit('error', error));
    socket.on('data', (part) => parts.push(part));
    socket.on('end', () => {
      if (parts.length > 0) this.emit('message', deserialize(Buffer.concat(parts)));
      else this.emit('error', new Error('the compiler of all tests ended'));
    });
    socket.end(serialize({ kind: this.#kind, data }));
  }
  // an open request keeps the process alive
  ref() {}
  unref() {}
}

if (path) {
  const { Worker } = threads;
  threads.Worker = new Proxy(Worker, {
    construct(target, [url, options], newTarget) {
      const kind = kindOf(url);
      return kind ? new Asked(kind, options?.workerData) : Reflect.construct(target, [url, options], newTarget);
    },
  });
  syncBuiltinESMExports();
}
