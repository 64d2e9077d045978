/**
 * The chain that runs in the page's engine: samples -> rate of the model -> front end -> model.
 *
 * In: samples of one channel at the source's rate, in pieces of any length.  Out: batches of what is drawn: envelope, rows of features, outputs.
 * Outputs do not depend on how the samples are cut into pieces, and are those of a session in Node on the same samples.
 * Times of an output: the end of the newest row or sample that it saw.
 */
import type { Session } from '../session/index.ts';
import type { Batch, Feed } from './protocol.ts';
import { Waves } from './waves.ts';

/** A part of the chain that keeps its own time, sample in, sample out. */
export interface Converter {
  push(samples: Float32Array): Float32Array;
}

export interface ChainParts {
  model: Session;
  feed: Feed;
  /** Rate at which samples enter front end or model. */
  rateHz: number;
  frontEnd?: { session: Session; stepSamples: number; windowSamples: number };
  /** From the source's rate to rateHz; undefined where they are the same. */
  resampler: (sourceHz: number) => Converter | undefined;
  /** Before the model, at rateHz. */
  filter?: () => Converter;
}

/** A list of numbers that grows, and is emptied at every batch. */
class Grow<T extends Float32Array | Float64Array | Int8Array> {
  #make: new (length: number) => T;
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
  #converter: Converter | undefined;
  #filter: Converter | undefined;
  #waves = new Waves(1);
  #samples = 0;
  #rows = new Grow(Int8Array);
  #outputs = new Grow(Float32Array);
  #times = new Grow(Float64Array);
  #modelUs = 0;

  constructor(parts: ChainParts) {
    this.#parts = parts;
  }

  /** A new signal begins. */
  begin(run: number, sourceHz: number): void {
    const { model, frontEnd, rateHz, resampler, filter } = this.#parts;
    this.#run = run;
    this.#converter = sourceHz === rateHz ? undefined : resampler(sourceHz);
    this.#filter = filter?.();
    this.#waves = new Waves(Math.max(1, Math.round(rateHz / 100)));
    this.#samples = 0;
    model.reset();
    frontEnd?.session.reset();
  }

  #output(timeS: number): void {
    this.#outputs.add(this.#parts.model.output(0));
    this.#times.add([timeS]);
  }

  /** Frames of the model, timed. */
  #push(frames: Float32Array, endOf: (framesPushed: number) => number): void {
    const { model } = this.#parts;
    const before = performance.now();
    model.pushAll(frames, () => this.#output(endOf(model.framesPushed)));
    this.#modelUs += 1000 * (performance.now() - before);
  }

  /** @throws RN709 (NaN), RN710 (the module failed) */
  push(source: Float32Array): Batch {
    const { model, feed, frontEnd, rateHz } = this.#parts;
    const before = model.framesPushed;
    const samples = this.#converter ? this.#converter.push(source) : source;
    const prepared = this.#filter ? this.#filter.push(samples) : samples;
    const frames = feed === 'frames' ? samples.length / (model.manifest.inputs[0]?.elements ?? 1) : samples.length;
    this.#samples += frames;
    const wave = this.#waves.push(feed === 'frames' ? new Float32Array() : prepared);
    this.#modelUs = 0;
    let frontEndUs = 0;
    if (frontEnd && samples.length > 0) {
      const { session, stepSamples, windowSamples } = frontEnd;
      const started = performance.now();
      session.pushAll(samples, () => {
        this.#rows.add(session.outputRaw(0));
        if (feed === 'rows') this.#push(session.output(0), (rows) => ((rows - 1) * stepSamples + windowSamples) / rateHz);
      });
      frontEndUs = 1000 * (performance.now() - started) - (feed === 'rows' ? this.#modelUs : 0);
    }
    if (feed !== 'rows' && prepared.length > 0) this.#push(prepared, (pushed) => pushed / rateHz);
    return {
      run: this.#run,
      endS: this.#samples / rateHz,
      wave,
      rows: this.#rows.take(),
      outputs: this.#outputs.take(),
      times: this.#times.take(),
      hops: (model.framesPushed - before) / model.hop,
      modelUs: this.#modelUs,
      frontEndUs,
    };
  }
}
