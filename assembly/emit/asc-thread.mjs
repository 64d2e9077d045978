/**
 * The thread of the AssemblyScript compiler. Plain JavaScript without other imports: host/cli/bin.js starts
 * it before it loads the command, because the compiler takes longer to load than everything else.
 */
import { Worker } from 'node:worker_threads';

/** @type {Worker | undefined} */
let thread;

/** Returns the thread. The first call starts it. It does not keep the process alive. */
export function ascThread() {
  if (thread) return thread;
  const begun = new Worker(new URL('./asc-worker.mjs', import.meta.url), { execArgv: [] });
  begun.unref();
  begun.once('error', () => {
    thread = undefined;
  });
  thread = begun;
  return begun;
}
