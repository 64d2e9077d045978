/**
 * Time that the engine takes, as it goes.
 *
 * In: batches.  Out: microseconds a hop of the model and of the front end, over the latest second or so:
 * older batches count half after `halfLife` hops, so that a figure neither jumps nor sticks.
 */
import type { Batch } from './protocol.ts';

const halfLife = 40;

export class Meter {
  #hops = 0;
  #modelUs = 0;
  #frontEndUs = 0;

  reset(): void {
    this.#hops = 0;
    this.#modelUs = 0;
    this.#frontEndUs = 0;
  }

  add({ hops, modelUs, frontEndUs }: Batch): void {
    const kept = 0.5 ** (hops / halfLife);
    this.#hops = kept * this.#hops + hops;
    this.#modelUs = kept * this.#modelUs + modelUs;
    this.#frontEndUs = kept * this.#frontEndUs + frontEndUs;
  }

  /** Microseconds a hop; undefined before half a hop is in. */
  get modelUs(): number | undefined {
    return this.#hops > 0.5 ? this.#modelUs / this.#hops : undefined;
  }

  get frontEndUs(): number | undefined {
    return this.#hops > 0.5 ? this.#frontEndUs / this.#hops : undefined;
  }
}
