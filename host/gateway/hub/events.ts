/**
 * What happens in a gateway, as typed events: for the page, the metrics and every wire.
 *
 * In: emit.  Out: calls of those who listen, in their order. A listener that throws is a bug of its own and does not stop the others' signal.
 */
import type { Failure } from '../worker/messages.ts';
import type { TrialReport } from './trial.ts';

export interface OutputEvent {
  stream: string;
  slot: string;
  /** 0, 1, 2, ... of this stream, across all swaps: none is left out, none comes twice. */
  sequence: number;
  /** The output fell due with the frame before this one. */
  frame: number;
  /** Of the bundle that gave it. */
  digest: string;
  /** As stored, all outputs in turn. */
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
  /** Range of the input since the output before (worker/range.ts). */
  inputs: Float64Array;
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

export interface GatewayEvents {
  output: OutputEvent;
  step: StepEvent;
  /** The trial's figures have changed. */
  trial: TrialReport;
  /** A bundle or frames that were not taken. */
  refused: Failure & { slot?: string; stream?: string };
  /** Frames come faster than they are computed, and are thrown away by policy. */
  overload: { state: 'begins' | 'ends'; why: string; shedTicks: number; streams: number };
  stream: { stream: string; slot: string; state: 'opened' | 'restarted' | 'failed' | 'closed'; failure?: Failure };
}

export class Events<T extends object> {
  #listeners = new Map<keyof T, Set<(event: never) => void>>();

  /** @returns what ends it */
  on<K extends keyof T>(name: K, listener: (event: T[K]) => void): () => void {
    const all = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, all.add(listener as (event: never) => void));
    return () => all.delete(listener as (event: never) => void);
  }

  emit<K extends keyof T>(name: K, event: T[K]): void {
    for (const listener of this.#listeners.get(name) ?? [])
      try {
        (listener as (event: T[K]) => void)(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
  }
}
