/**
 * Detector: says when a word was heard, from the probabilities of a model that runs on a stream.
 *
 * In: one probability an output, 0 to 1, and its time.  Out: a Detection, at most one a word.
 * Rule: the word is heard where the mean of the latest N probabilities is above the cutoff. Then the window
 * is emptied, and nothing is heard until the newest probability has been below the cutoff for refractoryMs in
 * all; so one word is heard once, however long it lasts. While another model hears no voice nothing counts
 * either, but the window is kept: the word is heard as soon as that model hears voice.
 * Source: ESPHome's component micro_wake_word (WakeWordModel and VADModel::determine_detected,
 * process_probabilities) and pymicro-wakeword (process_streaming). As in the latter the window has to be
 * full, and probabilities are dequantised outputs; ESPHome compares bytes with floor(255 * cutoff), and is
 * silent for its first second too (here warmUpMs). Exactness: N additions an output in double precision,
 * always in the same order. Nothing is allocated but the Detection.
 */
import { mostSlidingWindow } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';

export interface DetectorOptions {
  /** The mean must be above this, 0 to 1. */
  cutoff: number;
  /** N: outputs in the mean. */
  slidingWindow: number;
  /** Milliseconds below the cutoff before the next detection (default 1000, as in ESPHome). */
  refractoryMs?: number;
  /** The same before the first detection (default 0). */
  warmUpMs?: number;
  /** Milliseconds between two outputs, where push is not told the time. */
  stepMs: number;
  /** What is heard. */
  label: string;
}

export interface Detection {
  label: string;
  /** Time of the output that completed the detection. */
  timeMs: number;
  /** Mean of the window. */
  probability: number;
}

/** RN770: an option of a detector cannot be used. */
export const badDetector = (where: string, value: unknown, wants: string): RunletError =>
  new RunletError('RN770', {
    what: `the detector's ${where} cannot be ${JSON.stringify(value) ?? String(value)}`,
    where,
    why: `it takes ${wants}`,
    tryThis: 'the values of the model manifest, such as a cutoff of 0.97',
  });

/** A number from 0 to `max`. @throws RN770 */
export const within = (where: string, value: number, max: number, wants: string): number => {
  if (typeof value === 'number' && value >= 0 && value <= max) return value;
  throw badDetector(where, value, wants);
};

export class Detector {
  readonly label: string;
  readonly cutoff: number;
  readonly slidingWindow: number;
  readonly refractoryMs: number;
  readonly stepMs: number;
  #warmUpMs: number;
  /** The latest probabilities; #next is the oldest of them. */
  #recent: Float64Array;
  #next = 0;
  #filled = 0;
  #mean = 0;
  #timeMs = 0;
  #waitMs = 0;
  #blocked = false;

  /** @throws RN770 an option out of its range. */
  constructor(options: DetectorOptions) {
    const { cutoff, slidingWindow, refractoryMs = 1000, warmUpMs = 0, stepMs, label } = options;
    this.label = label;
    this.cutoff = within('cutoff', cutoff, 1, 'a probability from 0 to 1');
    if (!Number.isInteger(slidingWindow) || slidingWindow < 1 || slidingWindow > mostSlidingWindow)
      throw badDetector('slidingWindow', slidingWindow, `a whole number of outputs from 1 to ${mostSlidingWindow}`);
    this.slidingWindow = slidingWindow;
    this.refractoryMs = within('refractoryMs', refractoryMs, Number.MAX_VALUE, 'milliseconds, 0 or more');
    this.stepMs = within('stepMs', stepMs, Number.MAX_VALUE, 'milliseconds, 0 or more');
    this.#warmUpMs = within('warmUpMs', warmUpMs, Number.MAX_VALUE, 'milliseconds, 0 or more');
    this.#recent = new Float64Array(slidingWindow);
    this.reset();
  }

  /** Mean of the window, 0 until it is full. */
  get mean(): number {
    return this.#mean;
  }

  /**
   * Whether the mean is above the cutoff now, refractory time or not: what a model of voice activity is
   * asked.
   */
  get active(): boolean {
    return this.#mean > this.cutoff;
  }

  /** Whether the latest output would have been a detection, had there been voice. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Milliseconds below the cutoff that are still missing before something can be heard. */
  get waitMs(): number {
    return this.#waitMs;
  }

  /** Begins anew: a new stream. */
  reset(): void {
    this.#timeMs = 0;
    this.#empty(this.#warmUpMs);
  }

  #empty(waitMs: number): void {
    this.#recent.fill(0);
    this.#next = 0;
    this.#filled = 0;
    this.#mean = 0;
    this.#waitMs = waitMs;
    this.#blocked = false;
  }

  /** Empties the window: what it holds was heard as something else. */
  clear(): void {
    this.#empty(this.#waitMs);
  }

  /**
   * Takes the probability of the next output.
   * @param probability 0 to 1.
   * @param timeMs time of the output, not before that of the one before; by default stepMs after it.
   * @param voice false: nothing counts now (`active` of a model of voice activity).
   */
  push(probability: number, timeMs: number = this.#timeMs + this.stepMs, voice = true): Detection | undefined {
    if (this.advance(probability, timeMs, voice)) return this.take();
    return undefined;
  }

  /**
   * The first half of push: whether this output is a detection, which take confirms. Several labels choose
   * among theirs so.
   */
  advance(probability: number, timeMs: number, voice = true): boolean {
    const recent = this.#recent;
    recent[this.#next] = probability;
    this.#next = this.#next + 1 === recent.length ? 0 : this.#next + 1;
    if (this.#filled < recent.length) this.#filled++;
    if (probability < this.cutoff && this.#waitMs > 0) this.#waitMs = Math.max(0, this.#waitMs - (timeMs - this.#timeMs));
    this.#timeMs = timeMs;
    let sum = 0;
    for (let i = 0; i < recent.length; i++) sum += recent[i] as number;
    this.#mean = this.#filled < recent.length ? 0 : sum / recent.length;
    const heard = this.#waitMs === 0 && this.active;
    this.#blocked = heard && !voice;
    return heard && voice;
  }

  /** The detection that advance found; the window is emptied and the refractory time begins. */
  take(): Detection {
    const detection = { label: this.label, timeMs: this.#timeMs, probability: this.#mean };
    this.#empty(this.refractoryMs);
    return detection;
  }
}
