/**
 * The compiler's threads for all test files of one run: asc and binaryen are loaded and warm once, and not in
 * each of some hundred processes.
 *
 * In: a socket's path; each connection sends one request, `{ kind, data }`, and ends.  Out: what the thread
 * posts; of a job that was done before, what it posted then (that the same job gives the same bytes is what
 * test/golden says).  It ends with its standard input. The threads are those of the product,
 * assembly/emit/asc-worker.mjs and assembly/c/ir-worker.mjs (client.mjs says who is answered here).
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { deserialize, serialize } from 'node:v8';
import { Worker } from 'node:worker_threads';

/** Tests wait for as many threads as there are cores. */
const threads = availableParallelism();
/** What asc holds of its jobs goes with the thread. */
const jobsOfOneThread = 150;
const fileOf = (name) => new URL(`../../assembly/${name}`, import.meta.url);

/** Threads that have nothing to do, and jobs that wait for one. */
const idle = [];
const queue = [];
let running = 0;
let jobs = 0;
let requests = 0;
/** By digest of a job: its reply, or that of a job that runs. */
const replies = new Map();

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

/** A job's reply: from a thread the first time. */
function replyTo(kind, job) {
  const digest = createHash('sha256')
    .update(serialize([kind, job]))
    .digest('base64');
  if (!replies.has(digest)) {
    jobs++;
    const reply = new Promise((answer) => {
      if (kind === 'ir') return tree(job, answer);
      queue.push({ data: job, answer });
      start();
    });
    replies.set(digest, reply);
  }
  return replies.get(digest);
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  const parts = [];
  socket.on('error', () => {}); // a test that was killed
  socket.on('data', (part) => parts.push(part));
  socket.on('end', async () => {
    requests++;
    const { kind, data } = deserialize(Buffer.concat(parts));
    if (kind === 'ir') return socket.end(serialize(await replyTo(kind, data)));
    const { id, ...job } = data;
    socket.end(serialize({ ...(await replyTo(kind, job)), id }));
  });
});
server.listen(process.argv[2], () => process.stdout.write('ready\n'));

process.stdin.resume().on('end', () => {
  const { user, system } = process.cpuUsage();
  process.stdout.write(
    `the compiler of all tests: ${requests} requests, ${jobs} jobs, cpu ${((user + system) / 1e6).toFixed(0)} s\n`,
    () => process.exit(),
  );
});
