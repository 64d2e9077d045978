/**
 * Detects words or beats in a history.
 *
 * In: outputs in order, a cutoff.  Out: detections in order, recomputed when the cutoff changes.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { type Detection, isRunletError, LabelDetector } from '../session/index.ts';
import { BeatHearing } from './beats.ts';
import type { Answers } from './demo.ts';
import type { History } from './history.ts';
import type { Loaded } from './protocol.ts';
import type { Reading } from './reading.ts';

export interface Hearing {
  readonly heard: Detection[];
  /** Kind of the detections; undefined if the outputs are states or a quantity and nothing is detected. */
  readonly kind: 'words' | 'beats' | undefined;
  /** Present cutoff; undefined if the user cannot choose it. */
  readonly cutoff?: number;
  /** Reads the new outputs. @returns the detections in them */
  follow(history: History): Detection[];
  /** Ends the signal. @returns the detections that were still open */
  end(): Detection[];
  again(cutoff: number, history: History): void;
  reset(): void;
}

class WordHearing implements Hearing {
  readonly heard: Detection[] = [];
  readonly kind = 'words';
  /** Cutoff of the manifest, until the user chooses another. */
  cutoff: number;
  #chosen = false;
  #manifest: Manifest;
  #stepMs: number;
  #detector: LabelDetector;
  #next = 0;

  constructor(manifest: Manifest, hopS: number) {
    this.#manifest = manifest;
    this.#stepMs = 1000 * hopS;
    this.cutoff = manifest.detector?.cutoff ?? 0.5;
    this.#detector = this.#begin();
  }

  #begin(): LabelDetector {
    this.#next = 0;
    this.heard.length = 0;
    this.#detector = new LabelDetector(this.#manifest, this.#stepMs, this.#chosen ? { cutoff: this.cutoff } : {});
    return this.#detector;
  }

  follow({ outputs, times, voice }: History): Detection[] {
    const before = this.heard.length;
    for (this.#next = Math.max(this.#next, times.first); this.#next < times.end; this.#next++) {
      const found = this.#detector.push(outputs.record(this.#next), 1000 * times.at(this.#next), voice.at(this.#next) === 1);
      if (found) this.heard.push(found);
    }
    return this.heard.slice(before);
  }

  end(): Detection[] {
    return [];
  }

  again(cutoff: number, history: History): void {
    this.cutoff = cutoff;
    this.#chosen = true;
    this.#begin();
    this.follow(history);
  }

  reset(): void {
    this.#begin();
  }
}

const nothing = (): Hearing => ({
  heard: [],
  kind: undefined,
  follow: () => [],
  end: () => [],
  again: () => {},
  reset: () => {},
});

/** Detects beats if the zoo entry has weights for it, words if the model has a detector or takes sound. */
export function hearingOf(loaded: Loaded, reading: Reading, answers?: Answers): Hearing {
  const { manifest, feed, hopS } = loaded;
  if (answers?.weights) {
    const beats = new BeatHearing(loaded, answers.weights, answers.delayS);
    return Object.assign(beats, { kind: 'beats' as const, again: () => {} });
  }
  const sound = feed === 'sound' || feed === 'rows';
  if (!(manifest.detector || sound) || (reading.kind !== 'word' && reading.kind !== 'words')) return nothing();
  try {
    return new WordHearing(manifest, hopS);
  } catch (error) {
    // a model without labels detects nothing; its scores are still drawn
    if (isRunletError(error)) return nothing();
    throw error;
  }
}
