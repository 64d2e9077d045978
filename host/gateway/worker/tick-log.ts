/**
 * The newest ticks of one stream, by number: in a ring of bytes, from which a module's thread gets them.
 *
 * In: ticks, one after the other, and gaps: ticks that were lost, after which the signal begins again.  Out:
 * their bytes, as often as they are asked for, until they are forgotten. A run is what lies between two gaps;
 * a gap takes no bytes. Cost: O(1) for the newest run, O(log runs) for others. Memory: room for a quarter
 * more ticks than are kept; it shrinks where a quarter of it is in use.
 */

interface Run {
  /** Number of its first tick. */
  begins: number;
  /** How many ticks came before it. */
  place: number;
}

/** Room for so many ticks is kept; a choice. */
const leastRoom = 16;

export class TickLog {
  readonly tickBytes: number;
  /** Number of the tick that comes next. */
  next = 0;
  /** Oldest first; the first may have lost its first ticks. */
  #runs: Run[] = [{ begins: 0, place: 0 }];
  /** How many ticks came before the oldest that is kept, and how many came. */
  #first = 0;
  #end = 0;
  #ring = new Uint8Array(0); // [slot][byte]
  #slots = 0;
  /** Slot of the oldest tick. */
  #slot = 0;

  constructor(tickBytes: number) {
    this.tickBytes = tickBytes;
  }

  /** Number of the oldest tick that is kept; of the gap before it where its run has lost all others. */
  get first(): number {
    const { begins, place } = this.#runs[0] as Run;
    return begins + this.#first - place;
  }

  /** Takes whole ticks. Their bytes are copied. */
  append(bytes: Uint8Array): void {
    const { tickBytes } = this;
    const ticks = bytes.length / tickBytes;
    const kept = this.#end - this.#first;
    if (kept + ticks > this.#slots) this.#resize(Math.max(leastRoom, Math.ceil(1.25 * (kept + ticks))));
    const slot = (this.#slot + kept) % this.#slots;
    const head = Math.min(ticks, this.#slots - slot);
    this.#ring.set(head < ticks ? bytes.subarray(0, head * tickBytes) : bytes, slot * tickBytes);
    if (head < ticks) this.#ring.set(bytes.subarray(head * tickBytes), 0);
    this.#end += ticks;
    this.next += ticks;
  }

  /** So many ticks were lost, and the signal begins again after them. */
  gap(ticks: number): void {
    this.next += ticks;
    this.#runs.push({ begins: this.next, place: this.#end });
  }

  /** Where the run begins that tick `tick` is in, or that the gap follows in which it was lost. */
  beginOfRun(tick: number): number {
    return (this.#runs[this.#runOf(tick)] as Run).begins;
  }

  /** The number after its last tick. */
  endOfRun(tick: number): number {
    const run = this.#runOf(tick);
    const { begins, place } = this.#runs[run] as Run;
    return begins + (this.#runs[run + 1]?.place ?? this.#end) - place;
  }

  /** Where the signal begins again after it; undefined where it has not. */
  nextRun(tick: number): number | undefined {
    return this.#runs[this.#runOf(tick) + 1]?.begins;
  }

  /** Copies ticks `from` to `to - 1`, all kept and of one run, to byte `at` of `target`. */
  copy(from: number, to: number, target: Uint8Array, at: number): void {
    const { begins, place } = this.#runs[this.#runOf(from)] as Run;
    this.#read(place + from - begins, to - from, target, at);
  }

  /** Keeps no tick before number `tick`. */
  forget(tick: number): void {
    while (this.#runs.length > 1 && tick >= (this.#runs[1] as Run).begins) this.#runs.shift();
    const { begins, place } = this.#runs[0] as Run;
    const last = this.#runs[1]?.place ?? this.#end;
    const first = Math.max(this.#first, Math.min(last, place + Math.max(0, tick - begins)));
    if (this.#slots > 0) this.#slot = (this.#slot + first - this.#first) % this.#slots;
    this.#first = first;
    const kept = this.#end - first;
    if (4 * kept < this.#slots && this.#slots > leastRoom) this.#resize(Math.max(leastRoom, 2 * kept));
  }

  #runOf(tick: number): number {
    const runs = this.#runs;
    let high = runs.length - 1;
    if (tick >= (runs[high] as Run).begins) return high;
    let low = 0;
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if (tick >= (runs[middle] as Run).begins) low = middle;
      else high = middle;
    }
    return low;
  }

  #read(place: number, ticks: number, target: Uint8Array, at: number): void {
    const { tickBytes } = this;
    const slot = (this.#slot + place - this.#first) % this.#slots;
    const head = Math.min(ticks, this.#slots - slot);
    target.set(this.#ring.subarray(slot * tickBytes, (slot + head) * tickBytes), at);
    if (head < ticks) target.set(this.#ring.subarray(0, (ticks - head) * tickBytes), at + head * tickBytes);
  }

  #resize(slots: number): void {
    const ring = new Uint8Array(slots * this.tickBytes);
    if (this.#end > this.#first) this.#read(this.#first, this.#end - this.#first, ring, 0);
    this.#ring = ring;
    this.#slots = slots;
    this.#slot = 0;
  }
}
