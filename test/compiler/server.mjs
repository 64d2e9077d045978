/**
 * The compiler's threads for all test files of one run: asc and binaryen are loaded and warm once, and not in
 * each of some hundred processes.
 *
 * In: a socket's path; each connection sends one request, `{ kind, data }`, and ends.  Out: what the thread
 * posts.  It ends with its standard input. The threads are those of the product, assembly/emit/asc-worker.mjs
 * and assembly/c/ir-worker.mjs (client.mjs says who is answered here).
 */
import { createServer } from 'node:net';
import process from 'node:process';
import { deserialize, serialize } from 'node:v8';
import { Worker } from 'node:worker_threads';

/** Two lanes of tests wait for two threads. */
const threads = 2;
/** What asc holds of its jobs goes with the thread. */
const jobsOfOneThread = 150;
const fileOf = (name) => new URL(`../../assembly/${name}`, import.meta.url);

/** Threads that have nothing to do, and jobs that wait for one. */
const idle = [];
const queue = [];
let running = 0;
let jobs = 0;

/** A new thread. */
function open() {
  running++;
  const thread = { worker: new Worker(fileOf('emit/asc-worker.mjs'), { execArgv: [] }), left: jobsOfOneThread, job: undefined };
  const answered = (reply) => {
    thread.job?.answer(reply);
    thread.job = undefined;
    thread.left--;
    if (thread.left > 0) idle.push(thread);
    else {
      running--;
      thread.worker.terminate();
    }
    start();
  };
  thread.worker.on('message', answered);
  thread.worker.on('error', (error) => {
    thread.left = 0;
    answered({ id: thread.job?.data.id, diagnostics: String(error) });
  });
  return thread;
}

/** Gives waiting jobs to threads, new ones where there may be more. */
function start() {
  while (queue.length > 0 && (idle.length > 0 || running < threads)) {
    const thread = idle.pop() ?? open();
    thread.job = queue.shift();
    thread.worker.postMessage(thread.job.data);
  }
}

/**
 * binaryen's thread takes one module and ends; the engine keeps its code while another thread of this process
 * has it.
 */
function tree(wasm, answer) {
  const worker = new Worker(fileOf('c/ir-worker.mjs'), { execArgv: [], workerData: wasm });
  worker.once('message', answer);
  worker.once('error', (error) => answer({ failed: String(error) }));
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  const parts = [];
  socket.on('error', () => {}); // a test that was killed
  socket.on('data', (part) => parts.push(part));
  socket.on('end', () => {
    const { kind, data } = deserialize(Buffer.concat(parts));
    const answer = (reply) => socket.end(serialize(reply));
    jobs++;
    if (kind === 'ir') tree(data, answer);
    else {
      queue.push({ data, answer });
      start();
    }
  });
});
server.listen(process.argv[2], () => process.stdout.write('ready\n'));

process.stdin.resume().on('end', () => {
  const { user, system } = process.cpuUsage();
  process.stdout.write(`the compiler of all tests: ${jobs} jobs, cpu ${((user + system) / 1e6).toFixed(0)} s\n`, () =>
    process.exit(),
  );
});
