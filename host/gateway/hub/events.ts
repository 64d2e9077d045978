/**
 * Events: the typed events of a gateway, for the page, the metrics and every wire.
 *
 * In: calls of `emit`.  Out: calls of the listeners, in the order in which they were added. `emit` never
 * throws. If a listener throws, the others still run, and the exception becomes the event `fault`.
 */
import type { Cause } from '../../learn/drift/cause.ts';
import type { CheckResult, Failure } from '../worker/messages.ts';

export interface OutputEvent {
  stream: string;
  slot: string;
  /** Number of the output in its stream: 0, 1, 2, ... without gaps or repetitions, also across swaps. */
  sequence: number;
  /** Number of the frame after the one that made the output due. */
  frame: number;
  /** SHA-256 of the bundle that computed the output. */
  digest: string;
  /** Stored bytes of all outputs, one after the other: int8, or int16 little endian. */
  raw: Int8Array;
  /** Real values, one array per output. */
  values: Float32Array[];
  /** Duration of the push. */
  pushMs: number;
  /** Time since the arrival of the last frame. */
  latencyMs: number;
  /** The sender's timestamp of the output's last frame, if it sends timestamps. */
  timestampMs?: number;
  /** Number of ticks in the output's window that were lost and filled. */
  filled: number;
}

/** Range of a stream's input since its previous output (worker/range.ts). */
export interface RangeEvent {
  slot: string;
  range: Float64Array;
}

/** A bundle has reached a new step. */
export interface StepEvent {
  slot: string;
  step: 'staged' | 'checked' | 'trial' | 'passed' | 'confirmed' | 'swapped' | 'reverted' | 'rolled back';
  digest: string;
  name: string;
  version: string;
  sequence: number;
  /** Description for people. */
  text: string;
  failure?: Failure;
}

export interface TrialReport {
  slot: string;
  digest: string;
  name: string;
  version: string;
  sequence: number;
  phase: 'check' | 'live' | 'passed' | 'confirmed' | 'failed';
  check?: CheckResult;
  streams: number;
  /** Outputs of the module on trial so far, and the number that ends the trial. */
  outputs: number;
  wanted: number;
  /** Outputs that were compared with the active module, the share that agrees, the largest difference. */
  compared: number;
  agreement?: number;
  maxDifference?: number;
  meanMs?: number;
  elapsedMs: number;
  failure?: Failure;
}

/** The state of the running version against its level has changed (judge/judging.ts). */
export interface JudgedEvent {
  slot: string;
  digest: string;
  name: string;
  version: string;
  /** `under`: worse than the level. */
  state: 'too few' | 'above' | 'under';
  what: 'accuracy' | 'error';
  /** Undefined if no labelled window counts yet. */
  value?: number;
  /** Interval of 95 %. */
  low?: number;
  high?: number;
  windows: number;
  level: number;
}

/** The outputs of the bundle on trial and of the running one for the same frame, as real values. */
export interface ComparedEvent {
  slot: string;
  stream: string;
  frame: number;
  /** SHA-256 of the bundle on trial. */
  digest: string;
  mine: readonly Float32Array[];
  theirs: readonly Float32Array[];
}

/** The signal of a stream has left its reference or is back; without a stream: the error of its labels. */
export interface DriftEvent {
  slot: string;
  stream?: string;
  state: 'learned' | 'begins' | 'ends';
  /** Why it began, and names of the channels that show it. */
  cause?: Cause | 'error';
  channels?: string[];
}

export interface GatewayEvents {
  output: OutputEvent;
  compared: ComparedEvent;
  range: RangeEvent;
  drift: DriftEvent;
  judged: JudgedEvent;
  step: StepEvent;
  /** The trial's report has changed. */
  trial: TrialReport;
  /** A bundle or frames were refused. */
  refused: Failure & { slot?: string; stream?: string };
  /** Frames arrive faster than they are processed, and are shed. */
  overload: { state: 'begins' | 'ends'; why: string; shedTicks: number; streams: number };
  stream: { stream: string; slot: string; state: 'opened' | 'restarted' | 'failed' | 'closed'; failure?: Failure };
  /** A listener of an event threw: a bug of the gateway. */
  fault: Fault;
}

export interface Fault {
  event: string;
  error: unknown;
}

/** Returns an unexpected exception as the failure of the stream or trial in which it occurred. */
export const faultOf = (error: unknown): Failure => ({
  code: 'RN849',
  why: `the gateway has a fault: ${error instanceof Error ? error.message : String(error)}`.slice(0, 400),
});

export class Events<T extends { fault: Fault }> {
  /** Number of exceptions in listeners. */
  faults = 0;
  #listeners = new Map<keyof T, Set<(event: never) => void>>();

  /** Number of listeners. */
  get size(): number {
    return [...this.#listeners.values()].reduce((sum, all) => sum + all.size, 0);
  }

  /** Adds a listener. @returns a function that removes it. */
  on<K extends keyof T>(name: K, listener: (event: T[K]) => void): () => void {
    const all = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, all.add(listener as (event: never) => void));
    return () => all.delete(listener as (event: never) => void);
  }

  /** Calls the listeners of an event. @returns false if one of them threw. */
  emit<K extends keyof T>(name: K, event: T[K]): boolean {
    const before = this.faults;
    for (const listener of this.#listeners.get(name) ?? [])
      try {
        // a rejected promise would end the process
        const later: unknown = (listener as (event: T[K]) => unknown)(event);
        if (later instanceof Promise) later.catch((error: unknown) => this.#fault(name, error));
      } catch (error) {
        this.#fault(name, error);
      }
    return this.faults === before;
  }

  #fault(name: keyof T, error: unknown): void {
    this.faults++;
    // a listener of `fault` that throws is only counted, or this would not end
    if (name !== 'fault') this.emit('fault', { event: String(name), error } as T['fault']);
  }
}
