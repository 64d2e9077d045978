/**
 * Arrivals: records when the newest messages of a stream arrived, in one array that is reused.
 *
 * In: messages, in order.  Out: the message that contained an output's last tick; earlier ones are removed.
 */

const columns = 4;

export interface Arrival {
  /** Number of the message's first tick. */
  first: number;
  /** Time of arrival, from performance.now(). */
  atMs: number;
  /** The sender's timestamp of the first tick. */
  timestampMs?: number;
}

export class Arrivals {
  #rows = new Float64Array(0); // f64 [row][first, end, atMs, timestampMs or NaN]
  #from = 0;
  #to = 0;

  /** Adds a message. @param end one more than the number of its last tick. */
  add(first: number, end: number, atMs: number, timestampMs = Number.NaN): void {
    if (columns * this.#to === this.#rows.length) this.#makeRoom();
    const at = columns * this.#to++;
    this.#rows[at] = first;
    this.#rows[at + 1] = end;
    this.#rows[at + 2] = atMs;
    this.#rows[at + 3] = timestampMs;
  }

  /** Removes messages whose last tick is `end - 1` or earlier. */
  forget(end: number): void {
    while (this.#from < this.#to && (this.#rows[columns * this.#from + 1] as number) <= end) this.#from++;
  }

  /** Returns the message that contained tick `end - 1`. */
  of(end: number): Arrival | undefined {
    this.forget(end - 1);
    if (this.#from === this.#to) return undefined;
    const [first = 0, , atMs = 0, stamp = 0] = this.#rows.subarray(columns * this.#from, columns * (this.#from + 1));
    return { first, atMs, ...(!Number.isNaN(stamp) && { timestampMs: stamp }) };
  }

  /** Moves the rows to the front. Resizes the array to twice their size if it is far too small or large. */
  #makeRoom(): void {
    const used = columns * (this.#to - this.#from);
    const room = Math.max(4 * columns, 2 * used);
    const rows = room > this.#rows.length || 8 * room < this.#rows.length ? new Float64Array(room) : this.#rows;
    rows.set(this.#rows.subarray(columns * this.#from, columns * this.#to));
    this.#rows = rows;
    this.#to -= this.#from;
    this.#from = 0;
  }
}
