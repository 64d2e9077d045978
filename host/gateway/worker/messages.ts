/**
 * Messages between the gateway and its worker threads. A request is a list of operations, which the thread
 * runs in order and answers with one reply.
 */

/** Start of a module on a stream: fresh at frame `base`, or from a snapshot of a session that began there. */
export interface Start {
  /** Number of the stream's frame that is frame 0 of the session. */
  base: number;
  snapshot?: Uint8Array;
}

export type Operation =
  | { op: 'module'; digest: string; wasm: Uint8Array }
  | { op: 'forget'; digest: string }
  | ({ op: 'open'; key: number; digest: string } & Start)
  /** Three numbers per push: the stream's key, the number of ticks, their offset in the request's buffer. */
  | { op: 'frames'; pushes: number[] }
  /** Restarts the signal after lost ticks (Session.gap with policy `reset`). */
  | { op: 'gap'; key: number; ticks: number }
  | { op: 'snapshot'; key: number; id: number }
  | { op: 'close'; key: number }
  | { op: 'check'; id: number; digest: string; hops: number; seconds: number };

export interface Request {
  operations: Operation[];
  frames: ArrayBuffer;
}

export interface Failure {
  code: string;
  why: string;
}

/** Results of the self-test and the endurance run. */
export interface CheckResult {
  goldenOutputs: number;
  hops: number;
  /** Mean and 99th percentile of a hop's time. */
  meanMs: number;
  p99Ms: number;
}

/**
 * A reply. Outputs and pushes are in arrays of numbers, which are transferred without a copy. Sending one
 * object per output would take longer than a small network needs to run.
 */
export interface Reply {
  /**
   * Five numbers per output, in order: the stream's key, number of the frame after the one that made it due,
   * milliseconds of the push, its length in `bytes`, its length in `ranges`.
   */
  outputs: Float64Array;
  /** Stored bytes of all outputs, one after the other. */
  bytes: Uint8Array;
  /** Ranges of the input since the previous output (range.ts), one after the other. */
  ranges: Float64Array;
  /**
   * Three numbers per push: the stream's key, number of the next frame to take, number of the frame that
   * follows the next whole hop.
   */
  taken: Float64Array;
  /** States; `frame` is the number of the next frame to push. */
  snapshots: { key: number; frame: number; base: number; snapshot: Uint8Array; id?: number }[];
  failures: ({ key: number } & Failure)[];
  checks: { id: number; result?: CheckResult; failure?: Failure }[];
}

/**
 * Words of the shared memory through which the watchdog observes a thread: the number of calls into modules,
 * and the key of the instance or check that is running (0: none).
 */
export const progressWords = { calls: 0, key: 1 } as const;
