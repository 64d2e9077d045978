/**
 * The processing chain of the page's engine: resampler -> front end -> model.
 *
 * In: samples of one channel at the source's rate, or whole frames, in pieces of any length.
 * Out: batches for drawing: envelope, rows of features, outputs with times. The time of an output is the end
 * of its newest row or sample.
 * Exact: outputs do not depend on the pieces, and equal those of a session in Node on the same samples.
 */
import { quantiseValue, type Session } from '../session/index.ts';
import { Resampler } from '../sources/resample.ts';
import type { Batch, Feed } from './protocol.ts';
import { bucketSamples, Waves } from './waves.ts';

/** A filter of samples. */
interface Filter {
  push(samples: Float32Array): Float32Array;
}

export interface ChainParts {
  model: Session;
  feed: Feed;
  /** Rate of the samples that enter the front end or the model. */
  rateHz: number;
  /** Frames of the model per second. */
  frameHz: number;
  /** Number of channels whose envelope is kept; 0: none. */
  traces: number;
  frontEnd?: { session: Session; stepSamples: number; windowSamples: number };
  /** Makes the filter before the model; it works at rateHz. */
  filter?: () => Filter;
}

/** A growing list of numbers that every batch empties. */
class Grow<T extends Float32Array | Float64Array | Int8Array> {
  #make: new (
    length: number,
  ) => T;
  #values: T;
  #length = 0;

  constructor(make: new (length: number) => T) {
    this.#make = make;
    this.#values = new make(256);
  }

  add(values: ArrayLike<number>): void {
    if (this.#length + values.length > this.#values.length) {
      const more = new this.#make(2 * (this.#length + values.length));
      more.set(this.#values);
      this.#values = more;
    }
    this.#values.set(values, this.#length);
    this.#length += values.length;
  }

  take(): T {
    const taken = this.#values.slice(0, this.#length) as T;
    this.#length = 0;
    return taken;
  }
}

export class Chain {
  #parts: ChainParts;
  #run = 0;
  #resampler: Resampler | undefined;
  #filter: Filter | undefined;
  #waves = new Waves(1);
  #samples = 0;
  #frames = false;
  #rows = new Grow(Int8Array);
  #outputs = new Grow(Float32Array);
  #times = new Grow(Float64Array);
  #modelUs = 0;

  constructor(parts: ChainParts) {
    this.#parts = parts;
  }

  /** Begins a new signal. @param sourceHz rate of its samples; undefined: it has whole frames. */
  begin(run: number, sourceHz: number | undefined): void {
    const { model, frontEnd, rateHz, filter, traces } = this.#parts;
    this.#run = run;
    this.#frames = sourceHz === undefined;
    this.#resampler = sourceHz === undefined || sourceHz === rateHz ? undefined : new Resampler(sourceHz, rateHz);
    this.#filter = this.#frames ? undefined : filter?.();
    this.#waves = new Waves(bucketSamples(rateHz), Math.max(1, traces));
    this.#samples = 0;
    model.reset();
    frontEnd?.session.reset();
  }

  #output(timeS: number): void {
    this.#outputs.add(this.#parts.model.output(0));
    this.#times.add([timeS]);
  }

  /** Pushes frames into the model and measures the time. @param endOf end time after so many frames, in s. */
  #push(frames: Float32Array, endOf: (framesPushed: number) => number): void {
    const { model } = this.#parts;
    const before = performance.now();
    model.pushAll(frames, () => this.#output(endOf(model.framesPushed)));
    this.#modelUs += 1000 * (performance.now() - before);
  }

  /** Processes a piece. @throws RN706 no whole frames, RN709 NaN, RN710 the module failed; `begin`: RN773 */
  push(source: Float32Array): Batch {
    return this.#take(this.#resampler ? this.#resampler.push(source) : source);
  }

  /** Ends the signal: processes the samples that the resampler still holds. */
  end(): Batch {
    return this.#take(this.#resampler ? this.#resampler.flush() : new Float32Array());
  }

  #take(samples: Float32Array): Batch {
    const { model, frontEnd, rateHz } = this.#parts;
    const before = model.framesPushed;
    this.#modelUs = 0;
    let frontEndUs = 0;
    let wave: Float32Array = new Float32Array();
    if (samples.length === 0) return this.#batch(before, wave, 0);
    if (this.#frames) {
      if (this.#waves.channels === model.manifest.inputs[0]?.elements) wave = this.#waves.push(samples);
      this.#pushFrames(samples);
    } else {
      const prepared = this.#filter ? this.#filter.push(samples) : samples;
      this.#samples += samples.length;
      wave = this.#waves.push(prepared);
      if (frontEnd) frontEndUs = this.#pushSound(frontEnd, samples);
      if (this.#parts.feed !== 'rows') this.#push(prepared, (pushed) => pushed / rateHz);
    }
    return this.#batch(before, wave, frontEndUs);
  }

  #batch(framesBefore: number, wave: Float32Array, frontEndUs: number): Batch {
    const { model, frameHz, rateHz } = this.#parts;
    return {
      run: this.#run,
      endS: this.#frames ? model.framesPushed / frameHz : this.#samples / rateHz,
      wave,
      rows: this.#rows.take(),
      outputs: this.#outputs.take(),
      times: this.#times.take(),
      hops: (model.framesPushed - framesBefore) / model.hop,
      modelUs: this.#modelUs,
      frontEndUs,
    };
  }

  /** Pushes sound into the front end, and its rows into a model of rows. @returns µs of the front end */
  #pushSound({ session, stepSamples, windowSamples }: NonNullable<ChainParts['frontEnd']>, samples: Float32Array): number {
    const { feed, rateHz } = this.#parts;
    const started = performance.now();
    session.pushAll(samples, () => {
      this.#rows.add(session.outputRaw(0));
      if (feed === 'rows') this.#push(session.output(0), (rows) => ((rows - 1) * stepSamples + windowSamples) / rateHz);
    });
    return 1000 * (performance.now() - started) - (feed === 'rows' ? this.#modelUs : 0);
  }

  /** Pushes frames into the model. Draws them, quantised, if they have the width of the front end's rows. */
  #pushFrames(frames: Float32Array): void {
    const [input] = this.#parts.model.manifest.inputs;
    const drawn = this.#parts.frontEnd?.session.manifest.outputs[0]?.elements;
    if (input && drawn === input.elements)
      this.#rows.add(frames.map((x) => quantiseValue(x, Math.fround(input.scale), input.zeroPoint)));
    this.#push(frames, (pushed) => pushed / this.#parts.frameHz);
  }
}
