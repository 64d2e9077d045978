/**
 * Partition: runs the streams of one partition while this gateway holds its lease.
 *
 * In: messages of the broker.  Out: outputs, records of streams, and a cursor, in the broker.
 * Rules: a stream begins with its record, or anew if it has none. Messages that the record contains are left
 * out, and outputs that the broker has are not sent again. A record is stored only once all outputs before it
 * are. The cursor is the number of a message up to which the records hold everything; the next gateway reads
 * from there. So a crash at any place costs only repeated work, and every output is stored once.
 * Errors: a message that cannot be read, or is refused, is counted; `Conflict` ends the partition.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { isRunletError } from '../../../models/error.ts';
import type { Gateway } from '../gateway.ts';
import type { OutputEvent } from '../hub/events.ts';
import { nameText } from '../hub/names.ts';
import type { Intake } from '../streams/intake.ts';
import { readFrames, writeOutput } from '../streams/wire.ts';
import { Answers, ahead } from './ahead.ts';
import { type Books, booksOf, RestingBooks } from './books.ts';
import { type Arrived, type Broker, Conflict } from './broker.ts';
import { Cursor } from './cursor.ts';
import type { Lease } from './leases.ts';
import { Outbox } from './outbox.ts';
import { checkFits, readRecord, type StreamRecord, writeRecord } from './record.ts';
import type { Running } from './running.ts';

export interface PartitionOptions {
  /** A stream's record is stored after this many outputs, and so long after its first unstored message. */
  recordOutputs: number;
  recordMs: number;
  /** Time after which a stream without messages is closed; its record stays. */
  idleMs: number;
}

export const defaultPartition: PartitionOptions = { recordOutputs: 16, recordMs: 5000, idleMs: 600_000 };

/** Outputs of a stream that may wait for the broker before its messages wait. A choice. */
const maxQueue = 64;
/** Messages of a partition that are looked at ahead. A choice. */
const maxAhead = 64;
const [waitMs, retryMs] = [5, 200];

/** Streams of all partitions of this gateway, by id, with the partition that runs them. */
export type Owners = Map<string, Partition>;

interface PartitionEvents {
  /** An error that ends nothing. */
  fault(error: unknown): void;
  /** The partition has ended by itself. */
  failed(error: unknown): void;
}

/** Name of a stream in the broker: `stream`, or `slot=stream`. */
const namePattern = new RegExp(`^(?:(${nameText})=)?(${nameText})$`);
/** Errors of this gateway, not of a message: the message waits. */
const ofThisGateway = new Set(['RN813', 'RN846']);

export class Partition {
  readonly number: number;
  /** Messages that wait at the broker, and refused ones. */
  lag = 0;
  refused = 0;
  #lease: Lease;
  #broker: Broker;
  #intake: Intake;
  #options: PartitionOptions;
  #events: PartitionEvents;
  #owners: Owners;
  /** By name, and by the stream's id. */
  #streams = new Map<string, Running>();
  #ids = new Map<string, Running>();
  /** Ends the reading; ends everything. */
  #reader = new AbortController();
  #quit = new AbortController();
  #cursor: Cursor;
  /** Number of the latest message that was taken. */
  #seen = 0;
  #reading: Promise<void>;
  #timer: NodeJS.Timeout;
  #tidying?: Promise<void>;
  #resting = new RestingBooks();
  /** Latest output and record of a stream. Undefined if the partition is over. */
  #stored = new Answers((name) =>
    this.#asked(async () => {
      const [last, entry] = await Promise.all([this.#broker.lastOutput(this.number, name), this.#broker.read(this.#keyOf(name))]);
      return { last, entry };
    }),
  );

  constructor(lease: Lease, broker: Broker, intake: Intake, options: PartitionOptions, events: PartitionEvents, owners: Owners) {
    [this.number, this.#lease, this.#broker, this.#intake] = [lease.partition, lease, broker, intake];
    [this.#options, this.#events, this.#owners] = [options, events, owners];
    this.#cursor = new Cursor(lease.partition, broker, this.#asked.bind(this));
    this.#reading = this.#read().catch((error) => this.#fail(error));
    const tidyMs = Math.min(1000, options.recordMs / 4);
    this.#timer = setInterval(() => {
      this.#tidying ??= this.#tidy().finally(() => (this.#tidying = undefined));
    }, tidyMs).unref();
    // the streams that run begin first
    void pause(tidyMs, undefined, { ref: false }).then(() => this.#readResting());
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** Counts of all streams of the partition, and whether those that do not run are all in it. */
  get books(): { books: Books; isComplete: boolean } {
    const running = [...this.#ids.keys()].map((id) => this.#intake.booksOf(id));
    return { books: this.#resting.sum(running), isComplete: this.#resting.isComplete };
  }

  get #gateway(): Gateway {
    return this.#intake.gateway;
  }

  get isOver(): boolean {
    return this.#quit.signal.aborted || !this.#lease.valid();
  }

  /** Ends the partition after an error; its lease is given back. */
  #fail(error: unknown): void {
    if (this.#quit.signal.aborted) return;
    this.stop();
    this.#events.failed(error);
  }

  /** Tries a request again until it is answered, or the partition is over. Undefined if it is over. */
  async #asked<T>(ask: () => Promise<T>): Promise<T | undefined> {
    while (!this.isOver)
      try {
        return await ask();
      } catch (error) {
        if (error instanceof Conflict || isRunletError(error)) throw error;
        await pause(retryMs / 4);
      }
    return undefined;
  }

  async #read(): Promise<void> {
    if (!(await this.#cursor.read())) return;
    this.#seen = this.#cursor.value;
    const { signal } = this.#reader;
    const prepare = ({ seq, stream }: Arrived) => {
      if (seq > this.#seen && !this.#streams.has(stream) && namePattern.test(stream)) void this.#stored.get(stream);
    };
    while (!this.isOver && !signal.aborted)
      try {
        for await (const arrived of ahead(this.#broker.messages(this.number, this.#seen, signal), maxAhead, prepare)) {
          if (this.isOver || signal.aborted) return;
          this.lag = arrived.pending;
          await this.#take(arrived);
        }
      } catch (error) {
        if (error instanceof Conflict || this.isOver) throw error;
        this.#events.fault(error);
        await pause(retryMs);
      }
  }

  #readResting(): Promise<void> {
    const prefix = this.#keyOf('');
    return this.#resting.read({
      names: async () => (await this.#asked(() => this.#broker.keys(prefix)))?.map((key) => key.slice(prefix.length)),
      books: (name) => this.#recorded(name),
      isOver: () => this.isOver,
      fault: this.#events.fault,
    });
  }

  /** Reads the counts in a stream's record; undefined if there are none, or the partition is over. */
  async #recorded(name: string): Promise<Books | undefined> {
    const found = await this.#asked(async () => ({ entry: await this.#broker.read(this.#keyOf(name)) }));
    return found?.entry && booksOf(readRecord(found.entry.value, name));
  }

  async #take({ seq, stream: name, bytes }: Arrived): Promise<void> {
    if (seq <= this.#seen) return;
    const [, slot = 'main', id] = namePattern.exec(name) ?? [];
    const one = id === undefined ? undefined : (this.#streams.get(name) ?? (await this.#begin(name, id, slot)));
    if (this.isOver) return;
    if (!one) {
      // anybody can invent names
      this.#stored.forget(name);
      this.refused++;
      this.#seen = seq;
      return;
    }
    one.heardMs = performance.now();
    const isBehind = () => one.outbox.length >= maxQueue || this.#intake.isBehind(one.id);
    while (seq > one.through && isBehind() && !this.isOver) await pause(waitMs);
    if (seq > one.through && !(await this.#pass(one, seq, bytes))) return;
    this.#seen = seq;
    if (one.outputs >= this.#options.recordOutputs) void this.#save(one);
  }

  /** Acts once this gateway can: it may have no bundle yet, or no room. False if the partition is over. */
  async #onceReady(act: () => void): Promise<boolean> {
    while (!this.isOver)
      try {
        act();
        return true;
      } catch (error) {
        if (!isRunletError(error) || !ofThisGateway.has(error.code)) throw error;
        this.#events.fault(error);
        await pause(retryMs);
      }
    return false;
  }

  /** Passes a message to the intake. False if the partition is over. */
  async #pass(one: Running, seq: number, bytes: Uint8Array): Promise<boolean> {
    try {
      const message = { ...readFrames(bytes), stream: one.id, slot: one.slot };
      return await this.#onceReady(() => {
        this.#intake.take(message);
        // nothing is awaited between the two, so a record fits its number
        this.#mark(one, seq);
      });
    } catch (error) {
      if (!isRunletError(error)) throw error;
      this.refused++;
      if (error.code === 'RN870') this.#intake.unreadable(one.id);
      this.#mark(one, seq);
      return true;
    }
  }

  #mark(one: Running, seq: number): void {
    if (one.unsaved.push(seq) === 1) one.unsavedMs = performance.now();
  }

  /** Begins a stream with what the broker has of it. Undefined at the end, or if another name has it. */
  async #begin(name: string, id: string, slot: string): Promise<Running | undefined> {
    if (this.#owners.get(id)?.isOver) {
      this.#events.fault(new Error(`stream ${id} outlived the partition that ran it`));
      this.#close(id);
    }
    // a stream of another wire
    const isTaken = () => this.#gateway.streams.has(id);
    if (isTaken()) return undefined;
    const broker = this.#broker;
    const found = await this.#stored.get(name);
    // a stream that begins after the end would never be closed, and its next owner here would be refused
    if (!found || this.isOver) return undefined;
    const { last, entry } = found;
    const one: Running = {
      ...{ name, id, slot, through: 0, revision: entry?.revision ?? 0 },
      ...{ unsaved: [], unsavedMs: 0, outputs: 0, heardMs: performance.now() },
      outbox: new Outbox(last, {
        publish: (sequence, bytes, after) => broker.publish(this.number, name, sequence, bytes, after),
        last: () => broker.lastOutput(this.number, name),
        asked: this.#asked.bind(this),
        isOver: () => this.isOver,
        failed: (error) => this.#fail(error),
      }),
    };
    try {
      const record = entry && readRecord(entry.value, name);
      await this.#onceReady(() => {
        if (isTaken()) return;
        if (record) this.#resume(one, record);
        this.#enter(one);
      });
    } catch (error) {
      // the stream begins anew with the messages that are kept
      this.#events.fault(error);
      if (!this.isOver) this.#enter(one);
    }
    return this.#ids.get(id);
  }

  /** Continues a stream from its record. @throws RN920, and what this gateway has to do first */
  #resume(one: Running, record: StreamRecord): void {
    checkFits(record, one.name, this.#gateway.entry(one.id, one.slot));
    this.#intake.resume(one.id, record.state);
    one.through = record.through;
    one.books = booksOf(record);
  }

  #enter(one: Running): void {
    this.#streams.set(one.name, one);
    this.#ids.set(one.id, one);
    this.#resting.begin(one.name);
    // from here on, it changes
    this.#stored.forget(one.name);
    this.#owners.set(one.id, this);
  }

  #keyOf = (name: string): string => `stream.${this.number}.${name}`;

  /** Takes an output of one of the streams. */
  output(output: OutputEvent): void {
    const one = this.#ids.get(output.stream);
    if (!one || this.isOver) return;
    one.outputs++;
    if (output.sequence >= one.outbox.next) one.outbox.add(output.sequence, writeOutput('', this.#intake.decorate(output)));
  }

  /** Stores a record of a stream, unless one is under way. It holds the messages that were taken so far. */
  #save(one: Running): Promise<void> {
    one.saving ??= this.#saved(one)
      .catch((error) => this.#fail(error))
      .finally(() => {
        one.saving = undefined;
      });
    return one.saving;
  }

  async #saved(one: Running): Promise<void> {
    const through = one.unsaved.at(-1);
    if (through === undefined) return;
    one.outputs = 0;
    // messages of a stream that has not begun were all refused, and left nothing
    const isBegun = this.#gateway.streams.has(one.id);
    const { held = 0 } = this.#intake.booksOf(one.id) ?? {};
    const state = isBegun ? await this.#intake.state(one.id) : undefined;
    if (isBegun && !state) return;
    if (state && !(await this.#store(one, { through, held, state }))) return;
    one.through = through;
    one.unsaved = one.unsaved.filter((seq) => seq > through);
    one.unsavedMs = performance.now();
  }

  /** Stores a record, after all outputs before it. False if the partition is over. */
  async #store(one: Running, record: StreamRecord): Promise<boolean> {
    await one.outbox.stored(record.state.sequence);
    const bytes = writeRecord(record);
    const revision = await this.#asked(() => this.#broker.write(this.#keyOf(one.name), bytes, one.revision));
    if (revision === undefined) return false;
    one.revision = revision;
    one.books = booksOf(record);
    return true;
  }

  /** Stores records that are due, moves the cursor, and closes streams that are idle. */
  async #tidy(): Promise<void> {
    const { recordMs, idleMs } = this.#options;
    const now = performance.now();
    for (const one of this.#streams.values()) {
      if (one.unsaved.length > 0 && now - one.unsavedMs >= recordMs) void this.#save(one);
      if (now - one.heardMs >= idleMs && one.unsaved.length + one.outbox.length === 0 && !one.saving) this.#leave(one);
    }
    await this.#moveCursor().catch((error) => this.#fail(error));
  }

  async #moveCursor(): Promise<void> {
    let value = this.#seen;
    for (const { unsaved } of this.#streams.values()) value = Math.min(value, (unsaved[0] ?? Number.POSITIVE_INFINITY) - 1);
    await this.#cursor.move(value);
  }

  #leave({ name, id, books }: Running): void {
    if (books) this.#resting.rest(name, books);
    this.#streams.delete(name);
    this.#ids.delete(id);
    // another partition may have closed it, and run it again
    if (this.#owners.get(id) === this) this.#close(id);
  }

  #close(id: string): void {
    this.#intake.leave(id);
    this.#owners.delete(id);
  }

  /** Ends the reading, and resolves once everything that was read is stored. */
  async drain(): Promise<void> {
    clearInterval(this.#timer);
    this.#reader.abort();
    await this.#reading;
    await Promise.all(
      [...this.#streams.values()].map(async (one) => {
        while (one.unsaved.length > 0 && !this.isOver) {
          await this.#save(one);
          if (one.unsaved.length > 0) await pause(waitMs);
        }
      }),
    );
    await this.#tidying;
    await this.#moveCursor();
  }

  /** Ends at once; nothing more is sent. */
  stop(): void {
    clearInterval(this.#timer);
    this.#reader.abort();
    this.#quit.abort();
    for (const one of [...this.#streams.values()]) this.#leave(one);
  }
}
