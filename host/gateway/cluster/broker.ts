/**
 * Broker: what a cluster needs of the machine between its gateways. nats.ts is one on NATS JetStream.
 *
 * Rules that every broker keeps: messages of a partition have ascending numbers and stay for a time. A write
 * names the revision that it replaces, and fails with `Conflict` if there is another one. An output names the
 * number of the one before it in the same way, so an output is stored once, whoever sends it. A lease that is
 * not renewed disappears after `leaseMs`.
 */

/** Somebody else has written since. */
export class Conflict extends Error {}

/** A message of frames, as a device sent it. */
export interface Arrived {
  /** Number of the message; ascending within a partition. */
  seq: number;
  stream: string;
  bytes: Uint8Array;
  /** Number of messages of the partition that wait behind it. */
  pending: number;
}

export interface Entry {
  value: Uint8Array;
  revision: number;
}

/** The latest stored output of a stream: its number in the broker, and its number in the stream. */
export interface LastOutput {
  seq: number;
  sequence: number;
}

export interface Broker {
  readonly partitions: number;
  readonly leaseMs: number;
  /** Messages of a partition with a number above `after`, in order, until `quit`. */
  messages(partition: number, after: number, quit: AbortSignal): AsyncIterable<Arrived>;
  lastOutput(partition: number, stream: string): Promise<LastOutput | undefined>;
  /**
   * Stores output `sequence` of a stream after the one with number `after` (0: none). @returns its number.
   * @throws Conflict
   */
  publish(partition: number, stream: string, sequence: number, bytes: Uint8Array, after: number): Promise<number>;
  /** Reads a value that lasts. */
  read(key: string): Promise<Entry | undefined>;
  /** Returns the keys of lasting values that begin with `prefix`, which ends with a dot. */
  keys(prefix: string): Promise<string[]>;
  /** Writes a lasting value in place of `revision` (0: none). @returns the new revision. @throws Conflict */
  write(key: string, value: Uint8Array, revision: number): Promise<number>;
  /** Takes or renews a lease in place of `revision` (0: none). @returns the new revision. @throws Conflict */
  hold(key: string, value: string, revision: number): Promise<number>;
  /** Gives a lease back. @throws Conflict */
  release(key: string, revision: number): Promise<void>;
  /** Calls `seen` for each lease, and for each change; undefined if it was given back. */
  watch(seen: (key: string, value: string | undefined) => void): Promise<() => void>;
  close(): Promise<void>;
}
