/**
 * Measures the time that the engine takes.
 *
 * In: batches.  Out: microseconds per hop of the model and of the front end, averaged over about the latest
 * second: the weight of a batch halves every `halfLife` hops.
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

  /** Microseconds per hop; undefined until there is half a hop. */
  get modelUs(): number | undefined {
    return this.#hops > 0.5 ? this.#modelUs / this.#hops : undefined;
  }

  get frontEndUs(): number | undefined {
    return this.#hops > 0.5 ? this.#frontEndUs / this.#hops : undefined;
  }
}
