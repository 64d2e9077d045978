/**
 * Listener: runs several models, each at its own hop, on one stream of sound. Models that share a front end
 * share its rows.
 *
 * In: samples, and open sessions. A model takes sound, or rows of a front end (buildFrontEnd) that also has a
 * session.
 * Out: a call of `output` for every output, of `heard` for every word, and of `voice` and `blocked`.
 * Rule: sound is cut where an output of a model or front end is due. There, all voice activity models are
 * updated before any word is judged, so that a word is compared with the voice at the same time. Source:
 * ESPHome's micro_wake_word (process_probabilities).
 * Gates: a model with a gate runs only while outputs of another model pass a threshold (listening-gate.ts).
 * Exactness: a model with another quantisation than the front end gets the rows as real values. No Node
 * import; allocates only Detections.
 */
import { RunletError } from '../../models/error.ts';
import type { StreamClock } from './clock.ts';
import type { Detection } from './detector.ts';
import type { Frames } from './kinds.ts';
import { gatesFirst, type SleepCount, Sleeper } from './listening-gate.ts';
import type { ListeningModel } from './listening-model.ts';
import type { Session } from './session.ts';

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
  /**
   * An output of the time before the gate opened, which only fills the detector's window. Called before
   * `output` for the output that is due.
   */
  early?(model: ListeningModel, timeMs: number): void;
  /** An output of a gated model is due, and its gate has opened or closed since the one before. */
  gate?(model: ListeningModel, open: boolean, timeMs: number): void;
  /** A front end has completed a row. */
  row?(frontEnd: Session): void;
  /** A voice activity model reports that voice begins (`active`) or ends. */
  voice?(model: ListeningModel, active: boolean, timeMs: number): void;
}

interface Part {
  model: ListeningModel;
  count: ListeningCount;
  /** True if the model takes the front end's stored rows without a change of quantisation. */
  stored: boolean;
  /** Set if the model has a gate. */
  sleeper?: Sleeper;
  /** True if the gate was open at the latest output that was due. */
  open: boolean;
  /** The models whose gates this model's outputs decide. */
  gated: Sleeper[];
  /** True if an output became due with the latest samples. */
  fresh: boolean;
  timeMs: number;
  blocked: boolean;
}

interface Rows {
  session: Session;
  count: ListeningCount;
  /** True if a row became due with the latest samples. */
  fresh: boolean;
}

const zero = (): ListeningCount => ({ outputs: 0, heard: 0, blocked: 0, voiced: 0, milliseconds: 0 });

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

export class Listener {
  readonly models: readonly ListeningModel[];
  readonly sampleRateHz: number;
  #events: ListenerEvents;
  /** In an order in which the model of a gate comes before the gated model. */
  #parts: Part[];
  #rows: Rows[];
  /** Clocks of the front ends and models that take samples. */
  #clocks: StreamClock[];
  #samples = 0;

  /**
   * @param sampleRateHz sample rate of the sound, which must be that of every model.
   * @throws RN774 if a model does not match its front end, or if the rates differ; RN777, RN778 for gates.
   */
  constructor(models: readonly ListeningModel[], sampleRateHz: number, events: ListenerEvents) {
    this.models = models;
    this.sampleRateHz = sampleRateHz;
    this.#events = events;
    this.#parts = gatesFirst(models).map((model) => {
      checkRows(model);
      const [row, input] = [model.frontEnd?.manifest.outputs[0], model.session.manifest.inputs[0]];
      const stored = input?.hostType === 'int8' || (row?.scale === input?.scale && row?.zeroPoint === input?.zeroPoint);
      const sleeper = model.gate && new Sleeper(model, model.gate, sampleRateHz);
      return { model, count: zero(), stored, sleeper, open: false, gated: [], fresh: false, timeMs: 0, blocked: false };
    });
    for (const part of this.#parts)
      part.gated = this.#parts.flatMap(({ model, sleeper }) => (sleeper && model.gate?.by === part.model.name ? sleeper : []));
    const direct = this.#parts.filter(({ model }) => !model.frontEnd);
    const frontEnds = new Set(models.flatMap(({ frontEnd }) => frontEnd ?? []));
    this.#rows = [...frontEnds].map((session) => ({ session, count: zero(), fresh: false }));
    const sources = [...frontEnds, ...direct.map(({ model }) => model.session)];
    for (const { manifest } of sources)
      if (manifest.sampleRateHz !== undefined && manifest.sampleRateHz !== sampleRateHz)
        throw mismatch(
          `the sound has ${sampleRateHz} Hz, and a model needs another sample rate`,
          manifest.name,
          `it needs ${manifest.sampleRateHz} Hz`,
        );
    const clocks = direct.map(({ model, sleeper }) => (sleeper?.stream ?? model.session).clock);
    this.#clocks = [...this.#rows.map(({ session }) => session.clock), ...clocks];
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

  /** Returns what a gated model did and left out; undefined if the model has no gate. */
  sleepOf(model: ListeningModel): SleepCount | undefined {
    return this.#parts.find((part) => part.model === model)?.sleeper?.count;
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
      if (part.sleeper) part.sleeper.reset();
      else part.model.session.reset();
      part.model.detector?.reset();
      part.open = false;
      part.blocked = false;
    }
  }

  /** Takes any number of samples: real values from -1 to 1, or int16. */
  push(samples: Frames): void {
    for (let from = 0, take = 0; from < samples.length; from += take) {
      take = Math.min(this.#untilDue(), samples.length - from);
      this.#samples += take;
      for (const rows of this.#rows) this.#pushRows(rows, samples, from, take);
      for (const part of this.#parts) this.#feed(part, samples, from, take);
      this.#judge();
    }
  }

  /** Returns the number of samples until a row, or an output of a model of sound, may be due. */
  #untilDue(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const clock of this.#clocks) least = Math.min(least, clock.wholeFrame - clock.nextFrame);
    return least;
  }

  #pushRows(rows: Rows, samples: Frames, from: number, take: number): void {
    const start = performance.now();
    rows.fresh = rows.session.pushPart(samples, from, take);
    rows.count.milliseconds += performance.now() - start;
    if (!rows.fresh) return;
    rows.count.outputs++;
    this.#events.row?.(rows.session);
  }

  /** Gives a model the new samples, or the new row if there is one. */
  #feed(part: Part, samples: Frames, from: number, take: number): void {
    const { frontEnd, session } = part.model;
    const start = performance.now();
    if (frontEnd) {
      if (!this.#rows.some((rows) => rows.session === frontEnd && rows.fresh)) return;
      const row = part.stored ? frontEnd.outputRaw() : frontEnd.output();
      if (part.sleeper) this.#feedSleeper(part, part.sleeper, row);
      else if (session.pushPart(row, 0, 1)) this.#fell(part);
    } else if (part.sleeper) this.#feedSleeper(part, part.sleeper, samples.subarray(from, from + take));
    else if (session.pushPart(samples, from, take)) this.#fell(part);
    part.count.milliseconds += performance.now() - start;
  }

  #feedSleeper(part: Part, { stream, gate }: Sleeper, frames: Frames): void {
    const { session, detector, frontEnd } = part.model;
    const isOpen = (): boolean => {
      const open = gate.isOpen(this.#samples);
      if (open !== part.open) this.#events.gate?.(part.model, open, this.#timeMs(this.#samples));
      part.open = open;
      // a model that sleeps opens no gate
      if (!open) for (const sleeper of part.gated) sleeper.judge(Number.NaN, this.#samples);
      return open;
    };
    stream.push(frames, isOpen, (index, early) => {
      if (!early) return this.#fell(part);
      // outputs of the sleep only fill the detector's window
      const samples = this.#samples - (stream.clock.outputIndex - index) * session.hop * (frontEnd?.hop ?? 1);
      detector?.push(session.output(detector.output), this.#timeMs(samples), false);
      this.#events.early?.(part.model, this.#timeMs(samples));
    });
  }

  #timeMs(samples: number): number {
    return (1000 * samples) / this.sampleRateHz;
  }

  /** Notes an output of a model that is due now, and decides the gates that read it. */
  #fell(part: Part): void {
    part.fresh = true;
    part.timeMs = this.#timeMs(this.#samples);
    part.count.outputs++;
    for (const sleeper of part.gated) {
      const { output, element } = sleeper.gate.rule;
      sleeper.judge(part.model.session.output(output)[element] as number, this.#samples);
    }
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
