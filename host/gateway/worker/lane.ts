/**
 * Lane: the queue of one thread. Operations wait while the thread is busy, and are then sent in one message.
 *
 * In: operations, with the bytes of their frames.  Out: replies, or the event that the thread has ended.
 * Rule: the thread starts with the first operation; after its end, the next operation starts a new one.
 * Cost: waking a thread costs about as much as a hop of a small network. So if many streams share a thread,
 * operations of a few milliseconds are sent together.
 */
import type { Failure, Operation, Reply } from './messages.ts';
import type { TickLog } from './tick-log.ts';
import { Worker, type WorkerOptions } from './worker.ts';

/** Size of the frames in one message, in bytes. A choice. */
const maxMessageBytes = 4 << 20;
/** Shortest time between two messages, in milliseconds: per stream of the thread, and its upper bound. */
const gatherMs = { perStream: 0.02, max: 8 };

export interface LaneEvents {
  reply(reply: Reply): void;
  /**
   * The thread has ended.
   * @param key instance or check whose call was running, 0 if none was. @param deaths number of consecutive
   * threads that have ended without a reply.
   */
  died(key: number, failure: Failure, deaths: number): void;
}

const padded = (bytes: number): number => 4 * Math.ceil(bytes / 4);

type Plain = Exclude<Operation, { op: 'frames' }>;
/** Ticks of a stream, which are copied from its log when they are sent. */
interface Ticks {
  key: number;
  log: TickLog;
  from: number;
  to: number;
}
type Waiting = Plain | Ticks;

const bytesOf = (one: Waiting): number => ('log' in one ? padded((one.to - one.from) * one.log.tickBytes) : 0);

export class Lane {
  /** Digests of the modules that the thread has. */
  readonly known = new Set<string>();
  /** Number of streams that run in the thread. */
  streams = 0;
  #worker?: Worker;
  #pending: Waiting[] = [];
  /** Time since which operations have been waiting. */
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

  /** Longest time that an operation has been waiting. */
  get lagMs(): number {
    return this.#pending.length > 0 ? performance.now() - this.#sinceMs : 0;
  }

  send(operation: Plain): void {
    this.#enqueue(operation);
  }

  /**
   * Sends ticks `from` to `to - 1` of a stream. If its log has dropped them before they are sent, the stream
   * no longer needs them.
   */
  sendTicks(key: number, log: TickLog, from: number, to: number): void {
    const step = Math.max(1, Math.floor(maxMessageBytes / log.tickBytes));
    for (; from < to; from += step) this.#enqueue({ key, log, from, to: Math.min(to, from + step) });
  }

  #enqueue(one: Waiting): void {
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
    const waitMs = this.#sentMs + Math.min(gatherMs.max, gatherMs.perStream * this.streams) - performance.now();
    if (waitMs >= 1) setTimeout(flush, waitMs);
    else setImmediate(flush);
  }

  #flush(): void {
    if (this.#stopped || this.#worker?.busy || this.#pending.length === 0) return;
    let total = 0;
    let count = 0;
    for (const one of this.#pending) {
      if (count > 0 && total + bytesOf(one) > maxMessageBytes) break;
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
