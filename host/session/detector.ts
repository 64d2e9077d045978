/**
 * Detector: decides when a word was heard, from the probabilities of a model that runs on a stream.
 *
 * In: one probability (0 to 1) per output, and its time.  Out: a Detection, at most one per word.
 * Rule: the word is heard when the mean of the latest N probabilities is above the cutoff. The detector then
 * empties the window and waits until the newest probability has been below the cutoff for refractoryMs in
 * total. So one word is heard once, however long it lasts. While a voice activity model hears no voice, no
 * word is heard, but the window is kept: the word is heard as soon as that model hears voice.
 * Source: ESPHome's component micro_wake_word (WakeWordModel and VADModel::determine_detected,
 * process_probabilities) and pymicro-wakeword (process_streaming). As in pymicro-wakeword, the window must be
 * full and probabilities are dequantised outputs. ESPHome compares bytes with floor(255 * cutoff), and also
 * ignores its first second (here warmUpMs).
 * Exactness: N additions per output in double precision, always in the same order. Only the Detection is
 * allocated.
 */
import { maxSlidingWindow } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';

export interface DetectorOptions {
  /** Threshold that the mean must exceed, 0 to 1. */
  cutoff: number;
  /** Number N of outputs in the mean. */
  slidingWindow: number;
  /** Milliseconds below the cutoff before the next detection (default 1000, as in ESPHome). */
  refractoryMs?: number;
  /** Milliseconds below the cutoff before the first detection (default 0). */
  warmUpMs?: number;
  /** Milliseconds between two outputs, used if push gets no time. */
  stepMs: number;
  /** Name of the word or sound, copied to each Detection. */
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
const badDetector = (where: string, value: unknown, wants: string): RunletError =>
  new RunletError('RN770', {
    what: `the detector's ${where} cannot be ${JSON.stringify(value) ?? String(value)}`,
    where,
    why: `it takes ${wants}`,
    tryThis: 'use the values of the model manifest, such as a cutoff of 0.97',
  });

/** Returns `value` if it is a number from 0 to `max`. @throws RN770 */
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
  /** Ring buffer of the latest probabilities; #next is the index of the oldest. */
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
    if (!Number.isInteger(slidingWindow) || slidingWindow < 1 || slidingWindow > maxSlidingWindow)
      throw badDetector('slidingWindow', slidingWindow, `a whole number of outputs from 1 to ${maxSlidingWindow}`);
    this.slidingWindow = slidingWindow;
    this.refractoryMs = within('refractoryMs', refractoryMs, Number.MAX_VALUE, 'milliseconds, 0 or more');
    this.stepMs = within('stepMs', stepMs, Number.MAX_VALUE, 'milliseconds, 0 or more');
    this.#warmUpMs = within('warmUpMs', warmUpMs, Number.MAX_VALUE, 'milliseconds, 0 or more');
    this.#recent = new Float64Array(slidingWindow);
    this.reset();
  }

  /** Mean of the window; 0 until it is full. */
  get mean(): number {
    return this.#mean;
  }

  /**
   * True while the mean is above the cutoff, also during the refractory time. Voice activity models are read
   * through this.
   */
  get active(): boolean {
    return this.#mean > this.cutoff;
  }

  /** True if the latest output was not a detection only because there was no voice. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Milliseconds below the cutoff that remain before the next detection is possible. */
  get waitMs(): number {
    return this.#waitMs;
  }

  /** Prepares for a new stream. */
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

  /** Empties the window, because its probabilities belong to another label's detection. */
  clear(): void {
    this.#empty(this.#waitMs);
  }

  /**
   * Takes the probability of the next output.
   * @param probability 0 to 1.
   * @param timeMs time of the output, in milliseconds, not before the previous output; by default stepMs
   * after it.
   * @param voice false prevents a detection now; pass `active` of a voice activity model.
   */
  push(probability: number, timeMs: number = this.#timeMs + this.stepMs, voice = true): Detection | undefined {
    if (this.advance(probability, timeMs, voice)) return this.take();
    return undefined;
  }

  /**
   * Does the first half of push: returns true if this output is a detection. The caller confirms it with
   * take, so it can choose one of several labels.
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

  /** Returns the detection that advance found, empties the window and starts the refractory time. */
  take(): Detection {
    const detection = { label: this.label, timeMs: this.#timeMs, probability: this.#mean };
    this.#empty(this.refractoryMs);
    return detection;
  }
}
