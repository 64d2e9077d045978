/**
 * The compiler's threads for all test files of one run: asc and binaryen are loaded and warmed up once,
 * instead of in each of some hundred processes.
 *
 * In: a socket's path. Each connection sends one request, `{ kind, data }`, and ends.  Out: the message that
 * the thread posts. For a repeated job it is the cached message (test/golden checks that the same job gives
 * the same bytes).  The server ends with its standard input. The threads are those of the product,
 * assembly/emit/asc-worker.mjs and assembly/c/ir-worker.mjs (client.mjs decides which requests come here).
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { deserialize, serialize } from 'node:v8';
import { Worker } from 'node:worker_threads';

/** Largest number of threads: the number of cores. */
const threads = availableParallelism();
/** Number of jobs after which a thread ends, to free the memory that asc keeps for its jobs. */
const jobsOfOneThread = 150;
const fileOf = (name) => new URL(`../../assembly/${name}`, import.meta.url);

/** Idle threads, and jobs that wait for one. */
const idle = [];
const queue = [];
let running = 0;
let jobs = 0;
let requests = 0;
/** Replies by the digest of their job; the reply of a running job is pending. */
const replies = new Map();

/** Starts a new thread. */
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

/** Assigns waiting jobs to threads, and starts new threads up to the limit. */
function start() {
  while (queue.length > 0 && (idle.length > 0 || running < threads)) {
    const thread = idle.pop() ?? open();
    thread.job = queue.shift();
    thread.worker.postMessage(thread.job.data);
  }
}

/**
 * Runs binaryen's thread, which processes one module and ends. The engine keeps its code while another thread
 * of this process has it loaded.
 */
function tree(wasm, answer) {
  const worker = new Worker(fileOf('c/ir-worker.mjs'), { execArgv: [], workerData: wasm });
  worker.once('message', answer);
  worker.once('error', (error) => answer({ failed: String(error) }));
}

/** Returns a job's reply: from a thread the first time, then from the cache. */
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

/** Answers one connection's request. */
async function answer(socket, request) {
  requests++;
  const { kind, data } = deserialize(request);
  if (kind === 'ir') return socket.end(serialize(await replyTo(kind, data)));
  const { id, ...job } = data;
  socket.end(serialize({ ...(await replyTo(kind, job)), id }));
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  const parts = [];
  socket.on('error', () => {}); // the test was killed
  socket.on('data', (part) => parts.push(part));
  // a test that was killed may have sent a part of its request, or nothing: only its connection ends
  socket.on('end', () => answer(socket, Buffer.concat(parts)).catch(() => socket.destroy()));
});
server.listen(process.argv[2], () => process.stdout.write('ready\n'));

process.stdin.resume().on('end', () => {
  const { user, system } = process.cpuUsage();
  process.stdout.write(
    `the compiler of all tests: ${requests} requests, ${jobs} jobs, cpu ${((user + system) / 1e6).toFixed(0)} s\n`,
    () => process.exit(),
  );
});
