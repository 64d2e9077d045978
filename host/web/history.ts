/**
 * The data of a run that the page keeps for redrawing: envelope, rows of features, outputs and their times.
 *
 * In: batches of the engine.  Out: values by index or by time.  It keeps at least the newest half hour.
 */
import type { GateSummary } from '../session/index.ts';
import type { Batch, GateBatch, Loaded } from './protocol.ts';
import { bucketSamples } from './waves.ts';

/** A list of records of equal width. New records are added at the end; the oldest are dropped. */
export class Records<T extends Float32Array | Float64Array | Int8Array | Uint8Array> {
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

/** Outputs of a model, and their times. */
export class OutputHistory {
  readonly outputs: Records<Float32Array>;
  readonly times: Records<Float64Array>;
  readonly hopS: number;
  /** Seconds of the signal so far. */
  endS = 0;

  constructor(elements: number, hopS: number) {
    this.hopS = hopS;
    this.outputs = new Records(Float32Array, elements, longestS / hopS);
    this.times = new Records(Float64Array, 1, longestS / hopS);
  }

  protected addOutputs({ outputs, times }: Pick<Batch, 'outputs' | 'times'>, endS: number): void {
    this.endS = endS;
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

  /** Returns true if there is no output between the times of outputs i - 1 and i, since the model slept. */
  sleptBefore(i: number): boolean {
    return i > this.times.first && this.times.at(i) - this.times.at(i - 1) > 1.5 * this.hopS;
  }
}

/** The values that a gate compares, and when it was open. */
export class GateHistory extends OutputHistory {
  /** Seconds from which to which the gate was open; the last range has no end while the gate is open. */
  readonly open: { startS: number; endS?: number }[] = [];
  summary: GateSummary | undefined;

  get isOpen(): boolean {
    const last = this.open.at(-1);
    return last !== undefined && last.endS === undefined;
  }

  add({ summary, changes, outputs, times }: GateBatch, endS: number): void {
    this.addOutputs({ outputs, times }, endS);
    this.summary = summary;
    for (const { open, timeS } of changes) {
      const last = this.open.at(-1);
      if (open) this.open.push({ startS: timeS });
      else if (last) last.endS = timeS;
    }
    while (this.open[0]?.endS !== undefined && this.open[0].endS < endS - longestS) this.open.shift();
  }
}

export class History extends OutputHistory {
  readonly bucketS: number;
  readonly rowS: number;
  /** Time at which the first row ends, in seconds after the start. */
  readonly rowOffsetS: number;
  /** Minimum and maximum of each channel per bucket. */
  readonly wave: Records<Float32Array>;
  readonly rows: Records<Int8Array> | undefined;
  /** One per output: 0 if no word can be heard at it. */
  readonly voice: Records<Uint8Array>;
  readonly gate: GateHistory | undefined;

  constructor({ rateHz, hopS, manifest, rows, traces, gate }: Loaded) {
    super(manifest.outputs[0]?.elements ?? 1, hopS);
    this.bucketS = bucketSamples(rateHz) / rateHz;
    this.rowS = rows?.stepS ?? 1;
    this.rowOffsetS = rows?.windowS ?? 0;
    this.wave = new Records(Float32Array, 2 * Math.max(1, traces), longestS / this.bucketS);
    this.rows = rows && new Records(Int8Array, rows.channels, longestS / rows.stepS);
    this.voice = new Records(Uint8Array, 1, longestS / hopS);
    this.gate = gate && new GateHistory(1, gate.hopS);
  }

  add(batch: Batch): void {
    this.addOutputs(batch, batch.endS);
    this.wave.add(batch.wave);
    this.rows?.add(batch.rows);
    this.voice.add(batch.voice);
    if (batch.gate) this.gate?.add(batch.gate, batch.endS);
  }

  /** Outputs with their times, and the summary of the gate; for tests and the console. */
  list(): { times: number[]; values: number[][]; gate: GateSummary | undefined } {
    const { times, outputs, gate } = this;
    const indexes = Array.from({ length: times.end - times.first }, (_, i) => times.first + i);
    return {
      times: indexes.map((i) => times.at(i)),
      values: indexes.map((i) => [...outputs.record(i)]),
      gate: gate?.summary,
    };
  }
}
