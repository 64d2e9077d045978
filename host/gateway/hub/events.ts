/**
 * What happens in a gateway, as typed events: for the page, the metrics and every wire.
 *
 * In: emit.  Out: calls of those who listen, in their order. A listener that throws stops neither the others
 * nor the process: `emit` never throws, and the fault is an event of its own, which is counted and logged.
 */
import type { CheckResult, Failure } from '../worker/messages.ts';

export interface OutputEvent {
  stream: string;
  slot: string;
  /** 0, 1, 2, ... of this stream, across all swaps: none is left out, none comes twice. */
  sequence: number;
  /** The output fell due with the frame before this one. */
  frame: number;
  /** Of the bundle that gave it. */
  digest: string;
  /** The bytes as stored, all outputs in turn: int8, or int16 little endian. */
  raw: Int8Array;
  /** Real values, an array for each output. */
  values: Float32Array[];
  /** Of the push, and from the arrival of the last frame until now. */
  pushMs: number;
  latencyMs: number;
  /** Of the output's last frame, where its sender says it. */
  timestampMs?: number;
  /** Ticks of its window that were lost, and filled. */
  filled: number;
}

/** Range of a stream's input since the output before (worker/range.ts). */
export interface RangeEvent {
  slot: string;
  range: Float64Array;
}

/** A bundle on its way. */
export interface StepEvent {
  slot: string;
  step: 'staged' | 'checked' | 'trial' | 'passed' | 'confirmed' | 'swapped' | 'reverted' | 'rolled back';
  digest: string;
  name: string;
  version: string;
  sequence: number;
  /** For people. */
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
  /**
   * Outputs of the module on trial; those that the running one gave for the same frame; share that agrees;
   * largest difference.
   */
  outputs: number;
  wanted: number;
  compared: number;
  agreement?: number;
  maxDifference?: number;
  meanMs?: number;
  elapsedMs: number;
  failure?: Failure;
}

export interface GatewayEvents {
  output: OutputEvent;
  range: RangeEvent;
  step: StepEvent;
  /** The trial's figures have changed. */
  trial: TrialReport;
  /** A bundle or frames that were not taken. */
  refused: Failure & { slot?: string; stream?: string };
  /** Frames come faster than they are computed, and are thrown away by policy. */
  overload: { state: 'begins' | 'ends'; why: string; shedTicks: number; streams: number };
  stream: { stream: string; slot: string; state: 'opened' | 'restarted' | 'failed' | 'closed'; failure?: Failure };
  /** A listener of an event threw: a bug of the gateway. */
  fault: Fault;
}

export interface Fault {
  event: string;
  error: unknown;
}

/** A fault of the gateway itself, as the failure of what it happened to. */
export const faultOf = (error: unknown): Failure => ({
  code: 'RN849',
  why: `the gateway has a fault: ${error instanceof Error ? error.message : String(error)}`.slice(0, 400),
});

export class Events<T extends { fault: Fault }> {
  /** Listeners that threw. */
  faults = 0;
  #listeners = new Map<keyof T, Set<(event: never) => void>>();

  /** Listeners there are. */
  get size(): number {
    return [...this.#listeners.values()].reduce((sum, all) => sum + all.size, 0);
  }

  /** @returns what ends it */
  on<K extends keyof T>(name: K, listener: (event: T[K]) => void): () => void {
    const all = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, all.add(listener as (event: never) => void));
    return () => all.delete(listener as (event: never) => void);
  }

  /** @returns false where a listener threw */
  emit<K extends keyof T>(name: K, event: T[K]): boolean {
    const before = this.faults;
    for (const listener of this.#listeners.get(name) ?? [])
      try {
        // one that returns a promise must not end the process either
        const later: unknown = (listener as (event: T[K]) => unknown)(event);
        if (later instanceof Promise) later.catch((error: unknown) => this.#fault(name, error));
      } catch (error) {
        this.#fault(name, error);
      }
    return this.faults === before;
  }

  #fault(name: keyof T, error: unknown): void {
    this.faults++;
    // a listener of faults that throws is counted and no more
    if (name !== 'fault') this.emit('fault', { event: String(name), error } as T['fault']);
  }
}
