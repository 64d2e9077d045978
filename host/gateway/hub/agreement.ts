/**
 * Whether the module on trial says the same as the one that runs: outputs of both, brought together by stream
 * and frame.
 *
 * In: real values, an array for each output.  Out: for each pair whether it agrees (several elements: the
 * largest is the same one; one element: it is equal) and the largest difference. What waits for its
 * counterpart is bounded in number and in values; the oldest is forgotten.
 */

/** Outputs of several thousand hops, and 16 MiB of them; a choice. */
const mostWaiting = 4096;
const mostValues = 4 << 20;

export interface Agreement {
  agrees: boolean;
  difference: number;
}

/** The place of the first of the largest values. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/** @throws where the outputs have other forms */
export function compareOutputs(mine: readonly Float32Array[], theirs: readonly Float32Array[]): Agreement {
  let agrees = true;
  let difference = 0;
  for (const [which, values] of mine.entries()) {
    const other = theirs[which];
    if (other?.length !== values.length || theirs.length !== mine.length) throw new Error('the outputs have other forms');
    for (let i = 0; i < values.length; i++)
      difference = Math.max(difference, Math.abs((values[i] as number) - (other[i] as number)));
    agrees &&= values.length > 1 ? argmax(values) === argmax(other) : values[0] === other[0];
  }
  return { agrees, difference };
}

const countOf = (values: readonly Float32Array[]): number => values.reduce((sum, { length }) => sum + length, 0);

/** Outputs that wait for their counterpart. */
export class Waiting {
  #all = new Map<string, Float32Array[]>();
  #values = 0;

  get size(): number {
    return this.#all.size;
  }

  add(at: string, values: Float32Array[]): void {
    this.take(at);
    this.#all.set(at, values);
    this.#values += countOf(values);
    // a module on another grid of hops has no output for some frames
    for (const [oldest] of this.#all) {
      if (this.#all.size <= mostWaiting && this.#values <= mostValues) break;
      if (oldest === at) break;
      this.take(oldest);
    }
  }

  /** The output of this place, which waits no longer. */
  take(at: string): Float32Array[] | undefined {
    const found = this.#all.get(at);
    if (!found) return undefined;
    this.#all.delete(at);
    this.#values -= countOf(found);
    return found;
  }
}
