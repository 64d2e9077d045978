/**
 * A thread's queue: operations wait while the thread is busy, and then travel in one message.
 *
 * In: operations, with the bytes of their frames.  Out: replies, or that the thread has ended. The thread
 * begins with the first operation, and a new one begins after one that ended. Waking a thread costs about as
 * much as a hop of a small network. So where many streams share a thread, what comes within a few
 * milliseconds is handed over together.
 */
import type { Failure, Operation, Reply } from './messages.ts';
import { Worker, type WorkerOptions } from './worker.ts';

/** One message carries at most this much. */
const mostMessageBytes = 4 << 20;
/** The shortest time between two messages, in milliseconds: for each stream of the thread, and at most. */
const gatherMs = { aStream: 0.02, most: 4 };

export interface LaneEvents {
  reply(reply: Reply): void;
  /**
   * `key`: whose call the thread was in, 0 where it was in none; `deaths`: threads that have ended in a row
   * without a reply.
   */
  died(key: number, failure: Failure, deaths: number): void;
}

/** An operation, or ticks of a stream. */
interface Waiting {
  operation?: Exclude<Operation, { op: 'frames' }>;
  key: number;
  ticks: number;
  parts: readonly Uint8Array[];
  bytes: number;
}

const padded = (bytes: number): number => (bytes + 3) & ~3;

export class Lane {
  /** Modules that the thread has. */
  readonly known = new Set<string>();
  /** Streams that run in it. */
  streams = 0;
  #worker?: Worker;
  #pending: Waiting[] = [];
  /** Since when operations wait. */
  #sinceMs = 0;
  #sentMs = 0;
  #scheduled = false;
  #stopped = false;
  #deaths = 0;
  #options: WorkerOptions;
  #events: LaneEvents;

  constructor(options: WorkerOptions, events: LaneEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** How long the operations wait that have waited longest. */
  get lagMs(): number {
    return this.#pending.length > 0 ? performance.now() - this.#sinceMs : 0;
  }

  send(operation: NonNullable<Waiting['operation']>): void {
    this.#wait({ operation, key: 0, ticks: 0, parts: [], bytes: 0 });
  }

  /** @param parts their bytes, one after the other */
  sendTicks(key: number, ticks: number, parts: readonly Uint8Array[]): void {
    this.#wait({ key, ticks, parts, bytes: parts.reduce((sum, { length }) => sum + length, 0) });
  }

  #wait(one: Waiting): void {
    if (this.#pending.length === 0) this.#sinceMs = performance.now();
    this.#pending.push(one);
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#worker?.stop();
  }

  #schedule(): void {
    if (this.#scheduled || this.#worker?.busy || this.#pending.length === 0) return;
    this.#scheduled = true;
    const flush = () => {
      this.#scheduled = false;
      this.#flush();
    };
    const waitMs = this.#sentMs + Math.min(gatherMs.most, gatherMs.aStream * this.streams) - performance.now();
    if (waitMs >= 1) setTimeout(flush, waitMs);
    else setImmediate(flush);
  }

  #flush(): void {
    if (this.#stopped || this.#worker?.busy || this.#pending.length === 0) return;
    let total = 0;
    let count = 0;
    for (const { bytes } of this.#pending) {
      if (count > 0 && total + padded(bytes) > mostMessageBytes) break;
      total += padded(bytes);
      count++;
    }
    const frames = new Uint8Array(total);
    const operations: Operation[] = [];
    let start = 0;
    for (const { operation, key, ticks, parts, bytes } of this.#pending.splice(0, count)) {
      if (operation) {
        operations.push(operation);
        continue;
      }
      let last = operations.at(-1);
      if (last?.op !== 'frames') {
        last = { op: 'frames', pushes: [] };
        operations.push(last);
      }
      last.pushes.push(key, ticks, start);
      let at = start;
      for (const part of parts) {
        frames.set(part, at);
        at += part.length;
      }
      start += padded(bytes);
    }
    this.#sinceMs = this.#sentMs = performance.now();
    this.#worker ??= this.#begin();
    this.#worker.send({ operations, frames: frames.buffer });
  }

  #begin(): Worker {
    return new Worker(this.#options, {
      reply: (reply) => {
        this.#deaths = 0;
        this.#events.reply(reply);
        this.#schedule();
      },
      died: (key, failure) => {
        this.#worker = undefined;
        this.known.clear();
        this.#pending = [];
        this.#deaths++;
        if (!this.#stopped) this.#events.died(key, failure, this.#deaths);
      },
    });
  }
}
