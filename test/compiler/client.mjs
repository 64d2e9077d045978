/**
 * Compiles for a test, and for the processes that it starts, in the threads of server.mjs. test/run.ts loads
 * it into them through NODE_OPTIONS.
 *
 * A thread for asc-worker.mjs or ir-worker.mjs is not started where that file, what it imports and the
 * installed compiler are those of this tree: the same job then gives the same bytes there. Any other thread,
 * of an installed package or of a copy with a fault, is one of its own.
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
 * By the name of a thread's file: the kind of request, the files that decide what it answers (from its
 * folder), and the compiler.
 */
const kinds = {
  'asc-worker.mjs': { kind: 'asc', folder: 'assembly/emit', files: ['asc-worker.mjs', 'tools.mjs', '../../asconfig.mjs'] },
  'ir-worker.mjs': { kind: 'ir', folder: 'assembly/c', files: ['ir-worker.mjs'] },
};

/** Where a package is that is imported from `folder`. */
function packageOf(folder, name) {
  const place = join(folder, 'node_modules', name);
  if (existsSync(place)) return realpathSync(place);
  return dirname(folder) === folder ? undefined : packageOf(dirname(folder), name);
}

/** What the server is asked for in place of this thread, if it is asked. */
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

/** A thread as far as assembly/emit/compile.ts and assembly/c/ir.ts use one. */
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
