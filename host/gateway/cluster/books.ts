/**
 * Books: counts of the ticks of streams, as a partition and a whole cluster report them.
 *
 * In: counts of running streams, records of the others.  Out: their sum.
 * Rule: the counts of a stream are part of its record and move with it, so only its owner counts it. A stream
 * that does not run counts with its record. The owner reads these records once, after it took the partition.
 * Exact: received = delivered + late + duplicate + refused + shed + held; lost + restarts = filled +
 * resetTicks. Both hold for every stream, so they hold for every sum. Cost: one entry per stream.
 */

import { noCounts, type SequencerCounts } from '../streams/sequencer.ts';
import type { StreamRecord } from './record.ts';

export interface Books extends SequencerCounts {
  /** Ticks that wait for earlier ticks, or for a message that confirms their number. */
  held: number;
}

/** Returns the books in a stream's record. */
export const booksOf = ({ held, state }: StreamRecord): Books => ({ ...state.sequencer.counts, held });

export const noBooks = (): Books => ({ ...noCounts(), held: 0 });
export const bookNames = Object.keys(noBooks()) as (keyof Books)[];

export function addBooks(sum: Books, books: Books): void {
  for (const name of bookNames) sum[name] += books[name];
}

/** True if no tick is missing in the books, and none is counted twice. */
export function balances(books: Books): boolean {
  const { received, delivered, late, duplicate, refused, shed, held, lost, restarts, filled, resetTicks } = books;
  return received === delivered + late + duplicate + refused + shed + held && lost + restarts === filled + resetTicks;
}

/** Where the records of a partition are. */
interface Records {
  /** Names of its streams, and the books in the record of one. Undefined if the partition is over. */
  names(): Promise<string[] | undefined>;
  books(name: string): Promise<Books | undefined>;
  isOver(): boolean;
  fault(error: unknown): void;
}

/** The books of a partition's streams that do not run. */
export class RestingBooks {
  /** True once all records of the partition were read. */
  isComplete = false;
  #books = new Map<string, Books>();
  /** Streams that ran here: what is known of them is newer than what was read. */
  #ran = new Set<string>();

  /** A stream begins: from here on its own counts are used. */
  begin(name: string): void {
    this.#ran.add(name);
    this.#books.delete(name);
  }

  /** A stream is closed and keeps its record. */
  rest(name: string, books: Books): void {
    this.#books.set(name, books);
  }

  /** Reads the records of streams that do not run here, one after the other. */
  async read({ names, books, isOver, fault }: Records): Promise<void> {
    for (const name of (await names().catch(fault)) || []) {
      if (this.#ran.has(name)) continue;
      // a record that cannot be used counts nothing: its stream begins anew
      const found = await books(name).catch(fault);
      if (found && !this.#ran.has(name)) this.#books.set(name, found);
    }
    this.isComplete = !isOver();
  }

  /** Returns the sum with the books of streams that run. */
  sum(running: Iterable<Books | undefined>): Books {
    const sum = noBooks();
    for (const books of this.#books.values()) addBooks(sum, books);
    for (const books of running) if (books) addBooks(sum, books);
    return sum;
  }
}
