/**
 * When the newest ticks of a stream came, message by message: numbers in one array that is used again and
 * again.
 *
 * In: messages in order.  Out: the message that an output's last tick came in; those before it are forgotten.
 */

const columns = 4;

export interface Arrival {
  /** Number of its first tick. */
  first: number;
  /** When it came; a reading of performance.now(). */
  atMs: number;
  /** Its sender's time of its first tick. */
  timestampMs?: number;
}

export class Arrivals {
  #rows = new Float64Array(0); // f64 [row][first, end, atMs, timestampMs or NaN]
  #from = 0;
  #to = 0;

  /** @param end the number after its last tick */
  add(first: number, end: number, atMs: number, timestampMs = Number.NaN): void {
    if (columns * this.#to === this.#rows.length) this.#makeRoom();
    const at = columns * this.#to++;
    this.#rows[at] = first;
    this.#rows[at + 1] = end;
    this.#rows[at + 2] = atMs;
    this.#rows[at + 3] = timestampMs;
  }

  /** Forgets messages that end with tick `end - 1` or before it. */
  forget(end: number): void {
    while (this.#from < this.#to && (this.#rows[columns * this.#from + 1] as number) <= end) this.#from++;
  }

  /** The message in which tick `end - 1` came. */
  of(end: number): Arrival | undefined {
    this.forget(end - 1);
    if (this.#from === this.#to) return undefined;
    const [first = 0, , atMs = 0, stamp = 0] = this.#rows.subarray(columns * this.#from, columns * (this.#from + 1));
    return { first, atMs, ...(!Number.isNaN(stamp) && { timestampMs: stamp }) };
  }

  /** Moves what is left to the front, of as much room again as is in use, where that is more or far less. */
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
