/**
 * Listener: one stream of sound through several models, each at its own hop, with the rows of a front end
 * computed once for all that take them.
 *
 * In: samples, and opened sessions: of models that take sound, and of models that take rows with the front
 * end (buildFrontEnd) that makes them.
 * Out: calls of `heard` for words, `output` for every output, as they fall due. Order: sound goes in blocks
 * that divide every step. After a block all models that got an output are up to date before any word is
 * judged, so that a word and the voice at the same time meet, as in ESPHome's micro_wake_word
 * (process_probabilities). A row that a model quantises otherwise than the front end goes to it as real
 * values. No Node import; nothing is allocated but what is heard.
 */
import { RunletError } from '../../models/error.ts';
import type { Detection } from './detector.ts';
import type { Frames } from './kinds.ts';
import type { LabelDetector } from './label-detector.ts';
import type { Session } from './session.ts';

export interface ListeningModel {
  name: string;
  session: Session;
  /** Session of the front end whose rows the model takes; left out where it takes sound. */
  frontEnd?: Session;
  /** Names of the values of its output, where they are known. */
  labels?: string[];
  /** Says what is heard; without it the model has outputs alone. */
  detector?: LabelDetector;
}

/** What a model did so far. */
export interface ListeningCount {
  outputs: number;
  heard: number;
  /** Words that did not count, for want of voice. */
  blocked: number;
  /** Outputs at which there was voice, of a model of voice activity. */
  voiced: number;
  /** Time in the module and the quantiser. */
  milliseconds: number;
}

export interface ListenerEvents {
  heard?(model: ListeningModel, detection: Detection): void;
  /** A word was heard while there was no voice: once, until the mean falls. */
  blocked?(model: ListeningModel, timeMs: number): void;
  output?(model: ListeningModel, timeMs: number): void;
  /** Voice begins or ends, by a model of voice activity. */
  voice?(model: ListeningModel, active: boolean, timeMs: number): void;
}

interface Part {
  model: ListeningModel;
  count: ListeningCount;
  /** The front end's int8 rows are the model's own. */
  stored: boolean;
  /** An output fell due in this block. */
  fresh: boolean;
  timeMs: number;
  blocked: boolean;
}

interface Rows {
  session: Session;
  parts: Part[];
  count: ListeningCount;
}

const zero = (): ListeningCount => ({ outputs: 0, heard: 0, blocked: 0, voiced: 0, milliseconds: 0 });

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** RN774: these do not fit together. */
const mismatch = (what: string, where: string, why: string): RunletError =>
  new RunletError('RN774', {
    what,
    where,
    why,
    tryThis: 'models for the same front end and sample rate, each with the front end it was trained on',
  });

function checkRows({ name, session, frontEnd }: ListeningModel): void {
  const [input] = session.manifest.inputs;
  const row = frontEnd?.manifest.outputs[0];
  if (session.manifest.inputs.length > 1) throw mismatch('a model with several inputs cannot listen', name, 'sound is one input');
  if (row && input?.elements !== row.elements)
    throw mismatch(
      `the front end's rows do not fit the model`,
      name,
      `a row has ${row.elements} values, the model takes ${input?.elements}`,
    );
  if (!row && input?.elements !== 1)
    throw mismatch('the model takes no sound', name, `a frame has ${input?.elements} values, and it names no front end`);
}

/**
 * Frame at which the latest output of a session was complete, from the start of the stream, in its own
 * frames.
 */
const completeAt = ({ originFrame, outputIndex, hop, window, manifest }: Session): number =>
  originFrame + outputIndex * hop + window + manifest.delayFrames;

export class Listener {
  readonly sampleRateHz: number;
  #events: ListenerEvents;
  #parts: Part[];
  #direct: Part[];
  #rows: Rows[];
  #block: number;
  #samples = 0;

  /**
   * @param sampleRateHz of the sound; all models must be for it.
   * @throws RN774 a model does not fit its front end, or the rates differ.
   */
  constructor(models: readonly ListeningModel[], sampleRateHz: number, events: ListenerEvents) {
    this.sampleRateHz = sampleRateHz;
    this.#events = events;
    this.#parts = models.map((model) => {
      checkRows(model);
      const [row, input] = [model.frontEnd?.manifest.outputs[0], model.session.manifest.inputs[0]];
      const stored = input?.hostType === 'int8' || (row?.scale === input?.scale && row?.zeroPoint === input?.zeroPoint);
      return { model, count: zero(), stored, fresh: false, timeMs: 0, blocked: false };
    });
    this.#direct = this.#parts.filter(({ model }) => !model.frontEnd);
    this.#rows = [...new Set(models.flatMap(({ frontEnd }) => frontEnd ?? []))].map((session) => ({
      session,
      parts: this.#parts.filter(({ model }) => model.frontEnd === session),
      count: zero(),
    }));
    const sources = [...this.#rows.map(({ session }) => session), ...this.#direct.map(({ model }) => model.session)];
    for (const { manifest } of sources)
      if (manifest.sampleRateHz !== undefined && manifest.sampleRateHz !== sampleRateHz)
        throw mismatch(
          `a model takes another rate than ${sampleRateHz} Hz`,
          manifest.name,
          `it takes ${manifest.sampleRateHz} Hz`,
        );
    this.#block = sources.reduce((all, { hop }) => divisor(all, hop), 0) || 1;
  }

  /** Samples so far. */
  get samples(): number {
    return this.#samples;
  }

  /** What a model did so far. */
  countOf(model: ListeningModel): ListeningCount {
    return (this.#parts.find((part) => part.model === model) as Part).count;
  }

  /** What a front end did so far; its outputs are rows. */
  rowsOf(frontEnd: Session): ListeningCount {
    return (this.#rows.find(({ session }) => session === frontEnd) as Rows).count;
  }

  /** Whether there is voice now: always, where no model says so. */
  get voice(): boolean {
    for (const { model } of this.#parts) if (model.detector?.voice && !model.detector.active) return false;
    return true;
  }

  /** Begins anew: another sound. */
  reset(): void {
    this.#samples = 0;
    for (const { session } of this.#rows) session.reset();
    for (const part of this.#parts) {
      part.model.session.reset();
      part.model.detector?.reset();
      part.blocked = false;
    }
  }

  /** Takes samples, any number: real values from -1 to 1, or int16. */
  push(samples: Frames): void {
    for (let from = 0, take = 0; from < samples.length; from += take) {
      take = Math.min(this.#block - (this.#samples % this.#block), samples.length - from);
      for (const rows of this.#rows) this.#pushRows(rows, samples, from, take);
      for (const part of this.#direct) this.#pushSound(part, samples, from, take);
      this.#samples += take;
      this.#judge();
    }
  }

  #pushRows({ session, parts, count }: Rows, samples: Frames, from: number, take: number): void {
    const start = performance.now();
    const due = session.pushPart(samples, from, take);
    count.milliseconds += performance.now() - start;
    if (!due) return;
    count.outputs++;
    const timeMs = (1000 * completeAt(session)) / this.sampleRateHz;
    for (const part of parts) {
      const before = performance.now();
      const row = part.stored ? session.outputRaw() : session.output();
      if (part.model.session.pushPart(row, 0, 1)) this.#fell(part, timeMs);
      part.count.milliseconds += performance.now() - before;
    }
  }

  #pushSound(part: Part, samples: Frames, from: number, take: number): void {
    const { session } = part.model;
    const start = performance.now();
    if (session.pushPart(samples, from, take)) this.#fell(part, (1000 * completeAt(session)) / this.sampleRateHz);
    part.count.milliseconds += performance.now() - start;
  }

  #fell(part: Part, timeMs: number): void {
    part.fresh = true;
    part.timeMs = timeMs;
    part.count.outputs++;
  }

  /** Voice first, then words. */
  #judge(): void {
    for (const { fresh, model, timeMs, count } of this.#parts) {
      const { detector, session } = model;
      if (!fresh || !detector?.voice) continue;
      const before = detector.active;
      detector.push(session.output(detector.output), timeMs);
      if (detector.active) count.voiced++;
      if (detector.active !== before) this.#events.voice?.(model, detector.active, timeMs);
    }
    const { voice } = this;
    for (const part of this.#parts) {
      if (!part.fresh) continue;
      part.fresh = false;
      const { model, timeMs, count } = part;
      this.#events.output?.(model, timeMs);
      const { detector, session } = model;
      if (!detector || detector.voice) continue;
      const found = detector.push(session.output(detector.output), timeMs, voice);
      if (found) {
        count.heard++;
        this.#events.heard?.(model, found);
      }
      if (detector.blocked && !part.blocked) {
        count.blocked++;
        this.#events.blocked?.(model, timeMs);
      }
      part.blocked = detector.blocked;
    }
  }
}
