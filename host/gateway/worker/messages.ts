/**
 * What the gateway and its worker threads say to each other. A message is a list of operations that are done in order, and answered together.
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
  /** `at` is where the ticks' bytes stand in the message's buffer. */
  | { op: 'frames'; key: number; at: number; ticks: number }
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

export interface Reply {
  /**
   * Outputs in order: the frame after which one is due, milliseconds of the push, and how many bytes it has of `bytes`, where they lie one after the
   * other; `inputs`: the range of the input since the output before (range.ts).
   */
  outputs: { key: number; frame: number; ms: number; raw: number; inputs: Float64Array }[];
  bytes: Uint8Array;
  /** The frame after the last that was pushed, with the state there. */
  snapshots: { key: number; frame: number; base: number; snapshot: Uint8Array; id?: number }[];
  /** The frame after the last that a stream has taken. */
  taken: { key: number; frame: number }[];
  failures: ({ key: number } & Failure)[];
  checks: { id: number; result?: CheckResult; failure?: Failure }[];
}

/** Words of the shared memory by which the watchdog sees a thread: calls into modules so far, and whose call it is (0: nobody's). */
export const progressWords = { calls: 0, key: 1 } as const;
