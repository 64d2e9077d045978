/**
 * The data of a run that the page keeps for redrawing: envelope, rows of features, outputs and their times.
 *
 * In: batches of the engine.  Out: values by index or by time.  It keeps at least the newest half hour.
 */
import type { Batch, Loaded } from './protocol.ts';
import { bucketSamples } from './waves.ts';

/** A list of records of equal width. New records are added at the end; the oldest are dropped. */
export class Records<T extends Float32Array | Float64Array | Int8Array> {
  readonly width: number;
  /** Number of dropped records. Record i is stored at (i - first) * width. */
  first = 0;
  #make: new (
    length: number,
  ) => T;
  #values: T;
  #count = 0;
  #capacity: number;

  /** @param capacity number of records to keep; the oldest are dropped once there are a quarter more. */
  constructor(make: new (length: number) => T, width: number, capacity: number) {
    this.#make = make;
    this.width = width;
    this.#values = new make(width * 1024);
    this.#capacity = capacity;
  }

  /** Index after the newest record. */
  get end(): number {
    return this.first + this.#count;
  }

  add(values: T): void {
    const needed = this.#count * this.width + values.length;
    if (needed > this.#values.length) {
      const more = new this.#make(2 * needed);
      more.set(this.#values);
      this.#values = more;
    }
    this.#values.set(values, this.#count * this.width);
    this.#count += values.length / this.width;
    const spare = this.#count - this.#capacity;
    if (spare < this.#capacity / 4) return;
    this.#values.copyWithin(0, spare * this.width, this.#count * this.width);
    this.first += spare;
    this.#count -= spare;
  }

  /** Value `element` of record `i`, from `first` to `end` - 1. */
  at(i: number, element = 0): number {
    return this.#values[(i - this.first) * this.width + element] as number;
  }

  record(i: number): T {
    const from = (i - this.first) * this.width;
    return this.#values.subarray(from, from + this.width) as T;
  }
}

const longestS = 1800;

export class History {
  readonly bucketS: number;
  readonly rowS: number;
  /** Time at which the first row ends, in seconds after the start. */
  readonly rowOffsetS: number;
  /** Minimum and maximum of each channel per bucket. */
  readonly wave: Records<Float32Array>;
  readonly rows: Records<Int8Array> | undefined;
  readonly outputs: Records<Float32Array>;
  readonly times: Records<Float64Array>;
  endS = 0;
  hops = 0;

  constructor({ rateHz, hopS, manifest, rows, traces }: Loaded) {
    this.bucketS = bucketSamples(rateHz) / rateHz;
    this.rowS = rows?.stepS ?? 1;
    this.rowOffsetS = rows?.windowS ?? 0;
    this.wave = new Records(Float32Array, 2 * Math.max(1, traces), longestS / this.bucketS);
    this.rows = rows && new Records(Int8Array, rows.channels, longestS / rows.stepS);
    this.outputs = new Records(Float32Array, manifest.outputs[0]?.elements ?? 1, longestS / hopS);
    this.times = new Records(Float64Array, 1, longestS / hopS);
  }

  add({ endS, wave, rows, outputs, times, hops }: Batch): void {
    this.endS = endS;
    this.hops += hops;
    this.wave.add(wave);
    this.rows?.add(rows);
    this.outputs.add(outputs);
    this.times.add(times);
  }

  /** Index of the first output whose end is at or after `seconds`. */
  outputAt(seconds: number): number {
    let [low, high] = [this.times.first, this.times.end];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times.at(middle) < seconds) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
