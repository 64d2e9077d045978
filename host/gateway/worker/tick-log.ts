/**
 * TickLog: the newest ticks of one stream in a ring buffer, from which they are sent to module threads.
 *
 * In: ticks, in order, and gaps (lost ticks, after which the signal starts again).  Out: the bytes of ticks,
 * by number, until they are dropped.
 * Rule: a run is the ticks between two gaps. A gap takes no bytes.
 * Cost: O(1) for the newest run, O(log runs) for others. Memory: the buffer grows to 1.25 times the ticks
 * that it keeps, and shrinks when less than a quarter of it is in use.
 */

interface Run {
  /** Number of its first tick. */
  begins: number;
  /** Number of received ticks before it, without gaps. */
  place: number;
}

/** Smallest capacity of the buffer, in ticks. A choice. */
const minSlots = 16;

export class TickLog {
  readonly tickBytes: number;
  /** Number of the next tick. */
  next: number;
  /** The runs, oldest first. The first ticks of the oldest run may have been dropped. */
  #runs: Run[];
  /** Number of received ticks before the oldest that is kept, and in total. */
  #first: number;
  #end: number;
  #ring = new Uint8Array(0); // [slot][byte]
  #slots = 0;
  /** Slot of the oldest tick. */
  #slot = 0;

  /** @param origin first number of the run that tick `next`, the first one to be appended, belongs to */
  constructor(tickBytes: number, next = 0, origin = 0) {
    this.tickBytes = tickBytes;
    this.next = next;
    this.#runs = [{ begins: origin, place: 0 }];
    this.#first = this.#end = next - origin;
  }

  /** Number of the oldest tick that is kept; the end of the oldest run if all its ticks were dropped. */
  get first(): number {
    const { begins, place } = this.#runs[0] as Run;
    return begins + this.#first - place;
  }

  /** Appends whole ticks. Their bytes are copied. */
  append(bytes: Uint8Array): void {
    const { tickBytes } = this;
    const ticks = bytes.length / tickBytes;
    const kept = this.#end - this.#first;
    if (kept + ticks > this.#slots) this.#resize(Math.max(minSlots, Math.ceil(1.25 * (kept + ticks))));
    const slot = (this.#slot + kept) % this.#slots;
    const head = Math.min(ticks, this.#slots - slot);
    this.#ring.set(head < ticks ? bytes.subarray(0, head * tickBytes) : bytes, slot * tickBytes);
    if (head < ticks) this.#ring.set(bytes.subarray(head * tickBytes), 0);
    this.#end += ticks;
    this.next += ticks;
  }

  /** Records that `ticks` ticks were lost; the signal starts again after them. */
  gap(ticks: number): void {
    this.next += ticks;
    this.#runs.push({ begins: this.next, place: this.#end });
  }

  /** Returns the first number of the run that contains tick `tick`, or that precedes it if it was lost. */
  beginOfRun(tick: number): number {
    return (this.#runs[this.#runOf(tick)] as Run).begins;
  }

  /** Returns the number after the last tick of that run. */
  endOfRun(tick: number): number {
    const run = this.#runOf(tick);
    const { begins, place } = this.#runs[run] as Run;
    return begins + (this.#runs[run + 1]?.place ?? this.#end) - place;
  }

  /** Returns the first number of the run after that run; undefined if there is none. */
  nextRun(tick: number): number | undefined {
    return this.#runs[this.#runOf(tick) + 1]?.begins;
  }

  /**
   * Returns the ticks that are kept of [from, to) and of `around` ticks on each side, within one run;
   * undefined if a tick of [from, to) is not kept.
   */
  span(from: number, to: number, around: number): [from: number, to: number] | undefined {
    const begin = Math.max(this.first, this.beginOfRun(from));
    const end = this.endOfRun(from);
    return from < begin || to > end ? undefined : [Math.max(begin, from - around), Math.min(end, to + around)];
  }

  /** Copies ticks `from` to `to - 1` to byte `at` of `target`. All must be kept and belong to one run. */
  copy(from: number, to: number, target: Uint8Array, at: number): void {
    const { begins, place } = this.#runs[this.#runOf(from)] as Run;
    this.#read(place + from - begins, to - from, target, at);
  }

  /** Drops all ticks before number `tick`. */
  forget(tick: number): void {
    while (this.#runs.length > 1 && tick >= (this.#runs[1] as Run).begins) this.#runs.shift();
    const { begins, place } = this.#runs[0] as Run;
    const last = this.#runs[1]?.place ?? this.#end;
    const first = Math.max(this.#first, Math.min(last, place + Math.max(0, tick - begins)));
    if (this.#slots > 0) this.#slot = (this.#slot + first - this.#first) % this.#slots;
    this.#first = first;
    const kept = this.#end - first;
    if (4 * kept < this.#slots && this.#slots > minSlots) this.#resize(Math.max(minSlots, 2 * kept));
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
