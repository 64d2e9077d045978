/**
 * Outbox: stores the outputs of one stream in the broker, in order, each once.
 *
 * In: outputs, numbered; the latest one that the broker has.  Out: a request for each further one, which
 * names the one before it.  Errors: `failed` gets Conflict if another gateway writes to the stream.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Conflict, type LastOutput } from './broker.ts';

export interface OutboxWays {
  publish(sequence: number, bytes: Uint8Array, after: number): Promise<number>;
  last(): Promise<LastOutput | undefined>;
  /** Asks until there is an answer. Undefined if the partition is over. */
  asked<T>(ask: () => Promise<T>): Promise<T | undefined>;
  isOver(): boolean;
  failed(error: unknown): void;
}

const waitMs = 5;

export class Outbox {
  /** Number of the next output to store. */
  next: number;
  #after: number;
  #waiting: { sequence: number; bytes: Uint8Array }[] = [];
  #sending?: Promise<void>;
  #ways: OutboxWays;

  constructor(last: LastOutput | undefined, ways: OutboxWays) {
    this.next = last ? last.sequence + 1 : 0;
    this.#after = last?.seq ?? 0;
    this.#ways = ways;
  }

  /** Number of outputs that wait. */
  get length(): number {
    return this.#waiting.length;
  }

  add(sequence: number, bytes: Uint8Array): void {
    this.#waiting.push({ sequence, bytes });
    this.#sending ??= this.#send()
      .catch((error) => this.#ways.failed(error))
      .finally(() => {
        this.#sending = undefined;
      });
  }

  /** Resolves once all outputs below `sequence` are stored, or the partition is over. */
  async stored(sequence: number): Promise<void> {
    while (this.next < sequence && !this.#ways.isOver()) await (this.#sending ?? pause(waitMs));
  }

  async #send(): Promise<void> {
    const { asked, publish, isOver } = this.#ways;
    for (let one = this.#waiting[0]; one && !isOver(); one = this.#waiting[0]) {
      const { sequence, bytes } = one;
      if (sequence >= this.next)
        try {
          const after = await asked(() => publish(sequence, bytes, this.#after));
          if (after === undefined) return;
          [this.next, this.#after] = [sequence + 1, after];
        } catch (error) {
          if (!(error instanceof Conflict)) throw error;
          if (!(await this.#catchUp(sequence, error))) return;
          if (sequence >= this.next) continue;
        }
      this.#waiting.shift();
    }
  }

  /**
   * Looks what the broker has: an earlier try may have arrived, and old outputs may be gone. All else is
   * another gateway. False if the partition is over. @throws the conflict
   */
  async #catchUp(sequence: number, conflict: Conflict): Promise<boolean> {
    const last = await this.#ways.asked(async () => ({ found: await this.#ways.last() }));
    if (!last) return false;
    const { seq = 0, sequence: stored = -1 } = last.found ?? {};
    if (stored > sequence || (stored < sequence && seq === this.#after)) throw conflict;
    this.#after = seq;
    if (stored === sequence) this.next = sequence + 1;
    return true;
  }
}
