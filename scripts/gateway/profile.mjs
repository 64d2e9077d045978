/**
 * Profiles the threads of a gateway. It is loaded into the gateway's process first (node --import), so it is
 * plain JavaScript.
 *
 * In: SIGUSR2, which starts and then ends profiling; the name of the output file in RUNLET_PROFILES.  Out:
 * V8's profiles of the main thread and of each worker thread.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

const session = new Session();
session.connect();
/** Inspector session ids of the running worker threads, and requests to them without an answer yet. */
const workers = new Set();
const waiting = new Map();
let asked = 0;
session.on('NodeWorker.attachedToWorker', ({ params }) => workers.add(params.sessionId));
session.on('NodeWorker.detachedFromWorker', ({ params }) => workers.delete(params.sessionId));
session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
  const { id, result } = JSON.parse(params.message);
  waiting.get(id)?.(result);
});
await session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });

/** Sends a request to a worker's profiler. */
function ask(sessionId, method) {
  const id = ++asked;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    session.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id, method }) });
  });
}

async function begin() {
  for (const method of ['Profiler.enable', 'Profiler.start']) {
    await session.post(method);
    for (const worker of workers) await ask(worker, method);
  }
}

async function end() {
  const profiles = [{ thread: 'main thread', ...(await session.post('Profiler.stop')).profile }];
  for (const worker of workers)
    profiles.push({ thread: 'thread of the modules', ...(await ask(worker, 'Profiler.stop')).profile });
  const file = process.env.RUNLET_PROFILES;
  writeFileSync(`${file}.part`, JSON.stringify(profiles));
  renameSync(`${file}.part`, file);
}

process.once('SIGUSR2', () => {
  process.once('SIGUSR2', end);
  begin();
});
