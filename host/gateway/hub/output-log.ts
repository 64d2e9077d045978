/**
 * OutputLog: keeps the newest outputs of a stream for readers that reconnect.
 *
 * In: outputs, numbered without gaps.  Out: the outputs after a number, unchanged; the oldest are dropped.
 * Cost: numbers and bytes are stored in arrays that are reused. One object per output would cost more in
 * garbage collection than the rest of the gateway.
 */
import type { Loaded } from '../worker/pool.ts';
import type { OutputEvent } from './events.ts';
import { valuesOf } from './values.ts';

/** Largest number of outputs in the log, and of their bytes. A choice. */
const capacity = { outputs: 256, bytes: 1 << 20 };
const firstCapacity = 16;
/** Numbers that are stored for each output. */
const columns = 5;

export class OutputLog {
  #numbers = new Float64Array(0); // f64 [place][frame, pushMs, latencyMs, timestampMs or NaN, filled]
  #raw = new Int8Array(0); // s8 [place][byte]
  #bundles: Loaded[] = []; // [place]
  #width = 0;
  /** Number of the oldest output in the log, and of the next output. */
  #first = 0;
  #next = 0;

  add({ sequence, frame, raw, pushMs, latencyMs, timestampMs = Number.NaN, filled }: OutputEvent, loaded: Loaded): void {
    if (this.#width !== raw.length || sequence !== this.#next) {
      this.#bundles = [];
      this.#width = raw.length;
      this.#first = sequence;
    }
    const maxPlaces = Math.max(1, Math.min(capacity.outputs, Math.floor(capacity.bytes / Math.max(1, raw.length))));
    if (sequence - this.#first >= this.#bundles.length)
      this.#grow(Math.min(maxPlaces, Math.max(firstCapacity, 2 * this.#bundles.length)));
    this.#next = sequence + 1;
    this.#first = Math.max(this.#first, this.#next - this.#bundles.length);
    const place = sequence % this.#bundles.length;
    this.#numbers.set([frame, pushMs, latencyMs, timestampMs, filled], columns * place);
    this.#raw.set(raw, place * raw.length);
    this.#bundles[place] = loaded;
  }

  /** Returns how many outputs are due after `frame`; undefined if older ones may be due then too. */
  dueAfter(frame: number): number | undefined {
    for (let n = this.#next - 1; n >= this.#first; n--)
      if ((this.#numbers[columns * (n % this.#bundles.length)] as number) <= frame) return this.#next - 1 - n;
    return this.#first === 0 ? this.#next : undefined;
  }

  /** Returns the outputs with a number above `after`, oldest first. */
  after(after: number, stream: string, slot: string): OutputEvent[] {
    const outputs: OutputEvent[] = [];
    for (let n = Math.max(this.#first, after + 1); n < this.#next; n++) {
      const place = n % this.#bundles.length;
      const [frame = 0, pushMs = 0, latencyMs = 0, timestampMs, filled = 0] = this.#numbers.subarray(
        columns * place,
        columns * (place + 1),
      );
      const { digest, manifest } = this.#bundles[place] as Loaded;
      const raw = this.#raw.slice(place * this.#width, (place + 1) * this.#width);
      const values = valuesOf(manifest, raw);
      const stamp = Number.isNaN(timestampMs) ? undefined : timestampMs;
      outputs.push({ stream, slot, sequence: n, frame, digest, raw, values, pushMs, latencyMs, timestampMs: stamp, filled });
    }
    return outputs;
  }

  /** Enlarges the log to `length` outputs, and keeps its contents. */
  #grow(length: number): void {
    if (length <= this.#bundles.length) return;
    const [numbers, raw, bundles] = [
      new Float64Array(length * columns),
      new Int8Array(length * this.#width),
      new Array<Loaded>(length),
    ];
    for (let n = this.#first; n < this.#next && this.#bundles.length > 0; n++) {
      const [from, to] = [n % this.#bundles.length, n % length];
      numbers.set(this.#numbers.subarray(columns * from, columns * (from + 1)), columns * to);
      raw.set(this.#raw.subarray(this.#width * from, this.#width * (from + 1)), this.#width * to);
      bundles[to] = this.#bundles[from] as Loaded;
    }
    [this.#numbers, this.#raw, this.#bundles] = [numbers, raw, bundles];
  }
}
