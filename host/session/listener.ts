/**
 * Listener: runs several models, each at its own hop, on one stream of sound. Models that share a front end
 * share its rows.
 *
 * In: samples, and open sessions. A model takes sound, or rows of a front end (buildFrontEnd) that also has a
 * session.
 * Out: a call of `output` for every output, of `heard` for every word, and of `voice` and `blocked`.
 * Rule: sound is processed in blocks whose length divides every hop. After a block, all voice activity models
 * are updated before any word is judged, so that a word is compared with the voice at the same time. Source:
 * ESPHome's micro_wake_word (process_probabilities).
 * Exactness: a model with another quantisation than the front end gets the rows as real values. No Node
 * import; allocates only Detections.
 */
import { RunletError } from '../../models/error.ts';
import type { Detection } from './detector.ts';
import type { Frames } from './kinds.ts';
import type { LabelDetector } from './label-detector.ts';
import type { Session } from './session.ts';

export interface ListeningModel {
  name: string;
  session: Session;
  /** Session of the front end whose rows the model takes; undefined if the model takes sound. */
  frontEnd?: Session;
  /** Names of the values of the model's output, if they are known. */
  labels?: string[];
  /** Decides what is heard; without it only the event `output` is sent. */
  detector?: LabelDetector;
}

/** Counters of one model since the listener was created. */
export interface ListeningCount {
  outputs: number;
  heard: number;
  /** Words that were not reported because there was no voice. */
  blocked: number;
  /** Outputs of a voice activity model at which there was voice. */
  voiced: number;
  /** Time spent in the module and the quantiser. */
  milliseconds: number;
}

export interface ListenerEvents {
  heard?(model: ListeningModel, detection: Detection): void;
  /** A word was heard while there was no voice. Called once, until the mean falls again. */
  blocked?(model: ListeningModel, timeMs: number): void;
  output?(model: ListeningModel, timeMs: number): void;
  /** A voice activity model reports that voice begins (`active`) or ends. */
  voice?(model: ListeningModel, active: boolean, timeMs: number): void;
}

interface Part {
  model: ListeningModel;
  count: ListeningCount;
  /** True if the model takes the front end's stored rows without a change of quantisation. */
  stored: boolean;
  /** True if an output became due in this block. */
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

/** Returns RN774: models, front ends or sample rates do not match. */
const mismatch = (what: string, where: string, why: string): RunletError =>
  new RunletError('RN774', {
    what,
    where,
    why,
    tryThis: 'use models for the same sample rate, each with the front end it was trained on',
  });

function checkRows({ name, session, frontEnd }: ListeningModel): void {
  const [input] = session.manifest.inputs;
  const row = frontEnd?.manifest.outputs[0];
  if (session.manifest.inputs.length > 1)
    throw mismatch('a model with several inputs cannot listen', name, 'sound is a single input');
  if (row && input?.elements !== row.elements)
    throw mismatch(
      `the front end's rows do not match the model`,
      name,
      `a row has ${row.elements} values, the model takes ${input?.elements}`,
    );
  if (!row && input?.elements !== 1)
    throw mismatch('the model takes no sound', name, `a frame has ${input?.elements} values, and no front end is given`);
}

/** Returns the number of frames of the session's signal up to the one that completed its latest output. */
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
   * @param sampleRateHz sample rate of the sound, which must be that of every model.
   * @throws RN774 if a model does not match its front end, or if the rates differ.
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
          `the sound has ${sampleRateHz} Hz, and a model needs another sample rate`,
          manifest.name,
          `it needs ${manifest.sampleRateHz} Hz`,
        );
    this.#block = sources.reduce((all, { hop }) => divisor(all, hop), 0) || 1;
  }

  /** Number of samples taken since the last reset. */
  get samples(): number {
    return this.#samples;
  }

  /** Returns the counters of a model. */
  countOf(model: ListeningModel): ListeningCount {
    return (this.#parts.find((part) => part.model === model) as Part).count;
  }

  /** Returns the counters of a front end, whose outputs are rows. */
  rowsOf(frontEnd: Session): ListeningCount {
    return (this.#rows.find(({ session }) => session === frontEnd) as Rows).count;
  }

  /** True if every voice activity model hears voice now; always true without such a model. */
  get voice(): boolean {
    for (const { model } of this.#parts) if (model.detector?.voice && !model.detector.active) return false;
    return true;
  }

  /** Prepares for a new sound. */
  reset(): void {
    this.#samples = 0;
    for (const { session } of this.#rows) session.reset();
    for (const part of this.#parts) {
      part.model.session.reset();
      part.model.detector?.reset();
      part.blocked = false;
    }
  }

  /** Takes any number of samples: real values from -1 to 1, or int16. */
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

  /** Evaluates the new outputs: first those of voice activity models, then the words. */
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
