/**
 * A thread's queue: operations wait while the thread is busy, and then travel in one message.
 *
 * In: operations, with the bytes of their frames.  Out: replies, or that the thread has ended. The thread
 * begins with the first operation, and a new one begins after one that ended. Waking a thread costs about as
 * much as a hop of a small network. So where many streams share a thread, what comes within a few
 * milliseconds is handed over together.
 */
import type { Failure, Operation, Reply } from './messages.ts';
import type { TickLog } from './tick-log.ts';
import { Worker, type WorkerOptions } from './worker.ts';

/** One message carries at most this much. */
const mostMessageBytes = 4 << 20;
/** The shortest time between two messages, in milliseconds: for each stream of the thread, and at most. */
const gatherMs = { aStream: 0.02, most: 8 };

export interface LaneEvents {
  reply(reply: Reply): void;
  /**
   * `key`: whose call the thread was in, 0 where it was in none; `deaths`: threads that have ended in a row
   * without a reply.
   */
  died(key: number, failure: Failure, deaths: number): void;
}

const padded = (bytes: number): number => 4 * Math.ceil(bytes / 4);

type Plain = Exclude<Operation, { op: 'frames' }>;
/** Ticks of a stream, which lie in its log until they leave. */
interface Ticks {
  key: number;
  log: TickLog;
  from: number;
  to: number;
}
type Waiting = Plain | Ticks;

const bytesOf = (one: Waiting): number => ('log' in one ? padded((one.to - one.from) * one.log.tickBytes) : 0);

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

  send(operation: Plain): void {
    this.#wait(operation);
  }

  /**
   * Ticks `from` to `to - 1` of a stream. If its log has forgotten them when they would leave, the stream
   * needs them no more.
   */
  sendTicks(key: number, log: TickLog, from: number, to: number): void {
    const most = Math.max(1, Math.floor(mostMessageBytes / log.tickBytes));
    for (; from < to; from += most) this.#wait({ key, log, from, to: Math.min(to, from + most) });
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
    for (const one of this.#pending) {
      if (count > 0 && total + bytesOf(one) > mostMessageBytes) break;
      total += bytesOf(one);
      count++;
    }
    const frames = new Uint8Array(total);
    const operations: Operation[] = [];
    let start = 0;
    for (const one of this.#pending.splice(0, count)) {
      if ('op' in one) operations.push(one);
      else if (one.from >= one.log.first) {
        const { key, log, from, to } = one;
        let last = operations.at(-1);
        if (last?.op !== 'frames') {
          last = { op: 'frames', pushes: [] };
          operations.push(last);
        }
        last.pushes.push(key, to - from, start);
        log.copy(from, to, frames, start);
        start += bytesOf(one);
      }
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
