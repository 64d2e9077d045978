/**
 * Running: a stream that a partition runs, and what of it the broker has.
 */
import type { Books } from './books.ts';
import type { Outbox } from './outbox.ts';

export interface Running {
  /** Name in the broker; the stream and its slot in this gateway. */
  name: string;
  id: string;
  slot: string;
  /** The record contains the messages up to this one; the broker's revision of it. */
  through: number;
  revision: number;
  /** Messages since. */
  unsaved: number[];
  unsavedMs: number;
  outputs: number;
  heardMs: number;
  outbox: Outbox;
  saving?: Promise<void>;
  /** Counts in the record. */
  books?: Books;
}
