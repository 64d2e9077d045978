/**
 * What the gateway and its worker threads say to each other. A message is a list of operations that are done
 * in order, and answered together.
 */

/** Where a module's stream starts: fresh at a frame, or from a snapshot of a session that began at `base`. */
export interface Start {
  /** Frame of the stream that is frame 0 of the session. */
  base: number;
  snapshot?: Uint8Array;
}

export type Operation =
  | { op: 'module'; digest: string; wasm: Uint8Array }
  | { op: 'forget'; digest: string }
  | ({ op: 'open'; key: number; digest: string } & Start)
  /** Three numbers for each push: stream, ticks, and where their bytes stand in the message's buffer. */
  | { op: 'frames'; pushes: number[] }
  /** The signal begins again after lost ticks (Session.gap, `reset`). */
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

/** What the self-test and the endurance run found. */
export interface CheckResult {
  goldenOutputs: number;
  hops: number;
  /** Of a hop. */
  meanMs: number;
  p99Ms: number;
}

/**
 * A reply. What there is of every output and every push lies in arrays of numbers, which travel without a
 * copy: an object for each would take longer to send than a small network takes to run.
 */
export interface Reply {
  /**
   * Five numbers for each output, in order: stream, frame after which it is due, milliseconds of the push,
   * bytes of it in `bytes` and numbers of it in `ranges`, where they lie one after the other.
   */
  outputs: Float64Array;
  bytes: Uint8Array;
  /** Range of the input since the output before (range.ts). */
  ranges: Float64Array;
  /**
   * Three numbers for each push: stream, frame after the last that it has taken, frame after which its next
   * hop is whole.
   */
  taken: Float64Array;
  /** The frame after the last that was pushed, with the state there. */
  snapshots: { key: number; frame: number; base: number; snapshot: Uint8Array; id?: number }[];
  failures: ({ key: number } & Failure)[];
  checks: { id: number; result?: CheckResult; failure?: Failure }[];
}

/**
 * Words of the shared memory by which the watchdog sees a thread: calls into modules so far, and whose call
 * it is (0: nobody's).
 */
export const progressWords = { calls: 0, key: 1 } as const;
