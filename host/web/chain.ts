/**
 * The processing chain of the page's engine: resampler -> filter -> models that listen (host/session), or
 * frames -> model.
 *
 * In: samples of one channel at the source's rate, or whole frames, in pieces of any length.
 * Out: batches for drawing: envelope, rows of features, outputs with times, the gate. The time of an output
 * is the end of its newest row or sample.
 * Exact: outputs do not depend on the pieces, and equal those of a Listener or session in Node on the same
 * samples.
 */
import { RunletError } from '../../models/error.ts';
import {
  gateSummary,
  Listener,
  type ListenerEvents,
  type ListeningModel,
  quantiseValue,
  type Session,
} from '../session/index.ts';
import { Resampler } from '../sources/resample.ts';
import { Grow } from './grow.ts';
import type { Batch, GateBatch, GateChange } from './protocol.ts';
import { bucketSamples, Waves } from './waves.ts';

/** A filter of samples. */
interface Filter {
  push(samples: Float32Array): Float32Array;
}

export interface ChainParts {
  /** The model whose outputs are drawn, and behind it the models of its gates. */
  models: [ListeningModel, ...ListeningModel[]];
  /** Rate of the samples that enter the front end or the model. */
  rateHz: number;
  /** Frames of the model per second. */
  frameHz: number;
  /** Number of channels whose envelope is kept; 0: none. */
  traces: number;
  /** Front end that makes the rows to draw, if the model itself takes none. */
  picture?: Session;
  /** Makes the filter before the model; it works at rateHz. */
  filter?: () => Filter;
}

export class Chain {
  #parts: ChainParts;
  #shown: ListeningModel;
  #run = 0;
  #resampler: Resampler | undefined;
  #filter: Filter | undefined;
  /** Undefined if the signal has whole frames. */
  #listener: Listener | undefined;
  #waves = new Waves(1);
  #samples = 0;
  #rows = new Grow(Int8Array);
  #outputs = new Grow(Float32Array);
  #times = new Grow(Float64Array);
  #voice = new Grow(Uint8Array);
  #gateValues = new Grow(Float32Array);
  #gateTimes = new Grow(Float64Array);
  #gateChanges: GateChange[] = [];
  #modelUs = 0;
  #frontEndUs = 0;

  /** @throws RN774, RN777, RN778 the models do not fit each other */
  constructor(parts: ChainParts) {
    this.#parts = parts;
    [this.#shown] = parts.models;
    if (this.#shown.gate) this.begin(0, parts.rateHz);
  }

  /**
   * Begins a new signal. @param sourceHz rate of its samples; undefined: it has whole frames.
   * @throws RN773, RN785 frames for a model with a gate
   */
  begin(run: number, sourceHz: number | undefined): void {
    const { models, picture, rateHz, filter, traces } = this.#parts;
    const { session, gate } = this.#shown;
    const frames = sourceHz === undefined;
    if (frames && gate)
      throw new RunletError('RN785', {
        what: 'frames cannot open a gate',
        where: session.manifest.name,
        why: `the model sleeps until ${gate.by} wakes it, and each of them needs its own frames`,
        tryThis: 'open a sound file, or use the microphone',
      });
    this.#run = run;
    this.#resampler = frames || sourceHz === rateHz ? undefined : new Resampler(sourceHz, rateHz);
    this.#filter = frames ? undefined : filter?.();
    this.#waves = new Waves(bucketSamples(rateHz), Math.max(1, traces));
    this.#samples = 0;
    this.#listener = frames ? undefined : new Listener(models, rateHz, this.#events());
    if (this.#listener) this.#listener.reset();
    else session.reset();
    picture?.reset();
  }

  #events(): ListenerEvents {
    const { gate, frontEnd } = this.#shown;
    return {
      row: (rows) => rows === frontEnd && this.#rows.add(rows.outputRaw(0)),
      output: (model, timeMs) => {
        if (model === this.#shown) this.#output(timeMs / 1000, this.#listener?.voice);
        else if (gate && model.name === gate.by) {
          this.#gateValues.add([model.session.output(gate.output)[gate.element] as number]);
          this.#gateTimes.add([timeMs / 1000]);
        }
      },
      early: (model, timeMs) => model === this.#shown && this.#output(timeMs / 1000, false),
      gate: (model, open, timeMs) => model === this.#shown && this.#gateChanges.push({ open, timeS: timeMs / 1000 }),
    };
  }

  /** Notes an output. @param voice false: no word can be heard at it */
  #output(timeS: number, voice = true): void {
    this.#outputs.add(this.#shown.session.output(0));
    this.#times.add([timeS]);
    this.#voice.add([Number(voice)]);
  }

  /** Processes a piece. @throws RN706 no whole frames, RN709 NaN, RN710 the module failed */
  push(source: Float32Array): Batch {
    return this.#take(this.#resampler ? this.#resampler.push(source) : source);
  }

  /** Ends the signal: processes the samples that the resampler still holds. */
  end(): Batch {
    return this.#take(this.#resampler ? this.#resampler.flush() : new Float32Array());
  }

  #take(samples: Float32Array): Batch {
    const before = this.#framesRun;
    this.#modelUs = 0;
    this.#frontEndUs = 0;
    let wave: Float32Array = new Float32Array();
    if (samples.length === 0) return this.#batch(before, wave);
    if (this.#listener) {
      const prepared = this.#filter ? this.#filter.push(samples) : samples;
      this.#samples += samples.length;
      wave = this.#waves.push(prepared);
      this.#draw(samples);
      this.#listen(this.#listener, prepared);
    } else {
      if (this.#waves.channels === this.#shown.session.manifest.inputs[0]?.elements) wave = this.#waves.push(samples);
      this.#pushFrames(samples);
    }
    return this.#batch(before, wave);
  }

  /** Frames that the shown model's module has taken. */
  get #framesRun(): number {
    return this.#listener?.sleepOf(this.#shown)?.framesRun ?? this.#shown.session.framesPushed;
  }

  #batch(framesBefore: number, wave: Float32Array): Batch {
    const { frameHz, rateHz } = this.#parts;
    const { session } = this.#shown;
    const gate = this.#gateBatch();
    return {
      run: this.#run,
      endS: this.#listener ? this.#samples / rateHz : session.framesPushed / frameHz,
      wave,
      rows: this.#rows.take(),
      outputs: this.#outputs.take(),
      times: this.#times.take(),
      voice: this.#voice.take(),
      hops: (this.#framesRun - framesBefore) / session.hop,
      modelUs: this.#modelUs,
      frontEndUs: this.#frontEndUs,
      ...(gate && { gate }),
    };
  }

  #gateBatch(): GateBatch | undefined {
    const summary = this.#listener && gateSummary(this.#listener, this.#shown);
    if (!summary) return undefined;
    const changes = this.#gateChanges;
    this.#gateChanges = [];
    return { summary, changes, outputs: this.#gateValues.take(), times: this.#gateTimes.take() };
  }

  /** Makes the rows that are only drawn. */
  #draw(samples: Float32Array): void {
    const { picture } = this.#parts;
    if (!picture) return;
    const started = performance.now();
    picture.pushAll(samples, () => this.#rows.add(picture.outputRaw(0)));
    this.#frontEndUs += 1000 * (performance.now() - started);
  }

  /** Gives the models samples, and takes the listener's measured times. */
  #listen(listener: Listener, samples: Float32Array): void {
    const { frontEnd } = this.#shown;
    const measured = (): [model: number, frontEnd: number] => [
      listener.countOf(this.#shown).milliseconds,
      frontEnd ? listener.rowsOf(frontEnd).milliseconds : 0,
    ];
    const before = measured();
    listener.push(samples);
    const after = measured();
    this.#modelUs += 1000 * (after[0] - before[0]);
    this.#frontEndUs += 1000 * (after[1] - before[1]);
  }

  /** Pushes frames into the model. Draws them, quantised, if they have the width of the front end's rows. */
  #pushFrames(frames: Float32Array): void {
    const { picture, frameHz } = this.#parts;
    const { session, frontEnd } = this.#shown;
    const [input] = session.manifest.inputs;
    const drawn = (frontEnd ?? picture)?.manifest.outputs[0]?.elements;
    if (input && drawn === input.elements)
      this.#rows.add(frames.map((x) => quantiseValue(x, Math.fround(input.scale), input.zeroPoint)));
    const started = performance.now();
    session.pushAll(frames, () => this.#output(session.framesPushed / frameHz));
    this.#modelUs += 1000 * (performance.now() - started);
  }
}
