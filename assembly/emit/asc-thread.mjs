/**
 * The thread of the AssemblyScript compiler. Plain JavaScript, and nothing else is imported: host/cli/bin.js
 * begins it before it loads the command, since the compiler takes longer to load than all else.
 */
import { Worker } from 'node:worker_threads';

/** @type {Worker | undefined} */
let thread;

/** The thread, which begins with the first call. It does not keep the process alive. */
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
