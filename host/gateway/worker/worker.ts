/**
 * Worker: one worker thread with its watchdog.
 *
 * In: requests, one at a time.  Out: their replies; or, once, the event that the thread has ended, with the
 * key of the call that was running. The watchdog reads the shared words (messages.ts). If a call does not
 * return within `budgetMs`, it terminates the thread, because nothing else can stop a loop in a module.
 */
import { Worker as NodeWorker } from 'node:worker_threads';
import type { Failure, Reply, Request } from './messages.ts';
import { progressWords } from './messages.ts';

export interface WorkerOptions {
  /** Timeout of one call into a module, in milliseconds. */
  budgetMs: number;
  /** Hops between two snapshots of a stream. */
  snapshotHops: number;
}

export interface WorkerEvents {
  reply(reply: Reply): void;
  /** The thread has ended. @param key instance or check whose call was running, 0 if none was. */
  died(key: number, failure: Failure): void;
}

/** Limits of JavaScript objects. The modules' memories are not included; the gateway's policy limits them. */
const resourceLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 };

export class Worker {
  #thread: NodeWorker;
  #progress = new Int32Array(new SharedArrayBuffer(4 * Object.keys(progressWords).length));
  #options: WorkerOptions;
  #events: WorkerEvents;
  #busy = false;
  #dead = false;
  #watch: NodeJS.Timeout;
  #seen = { calls: 0, key: 0, sinceMs: 0 };

  constructor(options: WorkerOptions, events: WorkerEvents) {
    this.#options = options;
    this.#events = events;
    this.#thread = new NodeWorker(new URL('./start.mjs', import.meta.url), {
      execArgv: [],
      resourceLimits,
      workerData: { progress: this.#progress, snapshotHops: options.snapshotHops },
    });
    this.#watch = setInterval(() => this.#busy && this.#look(), Math.max(5, options.budgetMs / 5)).unref();
    this.#thread.on('message', (reply: Reply) => {
      if (this.#dead) return;
      this.#busy = false;
      this.#events.reply(reply);
    });
    this.#thread.on('error', (error) => this.#end({ code: 'RN835', why: `the worker failed: ${error.message}` }));
    this.#thread.on('exit', () => this.#end({ code: 'RN835', why: 'the worker ended' }));
  }

  get busy(): boolean {
    return this.#busy;
  }

  send(request: Request): void {
    this.#busy = true;
    this.#seen = { ...this.#seen, sinceMs: performance.now() };
    this.#thread.postMessage(request, [request.frames]);
  }

  /** Ends the thread without an event. */
  async stop(): Promise<void> {
    this.#dead = true;
    clearInterval(this.#watch);
    await this.#thread.terminate();
  }

  #look(): void {
    const calls = Atomics.load(this.#progress, progressWords.calls);
    const key = Atomics.load(this.#progress, progressWords.key);
    const now = performance.now();
    if (key === 0 || calls !== this.#seen.calls || key !== this.#seen.key) this.#seen = { calls, key, sinceMs: now };
    else if (now - this.#seen.sinceMs > this.#options.budgetMs)
      this.#end({ code: 'RN830', why: `a call into the module did not return within ${this.#options.budgetMs} ms` });
  }

  #end(failure: Failure): void {
    if (this.#dead) return;
    const key = Atomics.load(this.#progress, progressWords.key);
    void this.stop();
    this.#events.died(key, failure);
  }
}
