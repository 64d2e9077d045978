/**
 * Agreement: compares the outputs of the module on trial with those of the running module.
 *
 * In: real values, one array per output, matched by stream and frame.  Out: for each pair, whether it agrees
 * (same argmax; for outputs of one element, same value) and the largest difference. The buffer of unmatched
 * outputs is bounded in outputs and values; the oldest are dropped.
 */

/** Largest number of unmatched outputs, and of their values (16 MiB). A choice. */
const maxOutputs = 4096;
const maxValues = 4 << 20;

export interface Agreement {
  agrees: boolean;
  difference: number;
}

/** Returns the index of the largest value; the first of equal ones. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/** Compares the outputs of one hop. @throws Error if their numbers or lengths differ */
export function compareOutputs(mine: readonly Float32Array[], theirs: readonly Float32Array[]): Agreement {
  let agrees = true;
  let difference = 0;
  for (const [which, values] of mine.entries()) {
    const other = theirs[which];
    if (other?.length !== values.length || theirs.length !== mine.length) throw new Error('the outputs have different shapes');
    for (let i = 0; i < values.length; i++)
      difference = Math.max(difference, Math.abs((values[i] as number) - (other[i] as number)));
    agrees &&= values.length > 1 ? argmax(values) === argmax(other) : values[0] === other[0];
  }
  return { agrees, difference };
}

const countOf = (values: readonly Float32Array[]): number => values.reduce((sum, { length }) => sum + length, 0);

/** Outputs of one module that have no counterpart of the other module yet. */
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
    // drop the oldest: some never match, because the other module has another hop
    for (const [oldest] of this.#all) {
      if (this.#all.size <= maxOutputs && this.#values <= maxValues) break;
      if (oldest === at) break;
      this.take(oldest);
    }
  }

  /** Removes and returns the output with key `at`. */
  take(at: string): Float32Array[] | undefined {
    const found = this.#all.get(at);
    if (!found) return undefined;
    this.#all.delete(at);
    this.#values -= countOf(found);
    return found;
  }
}
