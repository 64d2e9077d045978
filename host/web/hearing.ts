/**
 * Words that were heard in a history.
 *
 * In: outputs as they come, a cutoff.  Out: detections in order; all of them again when the cutoff changes.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { type Detection, isRunletError, LabelDetector } from '../session/index.ts';
import type { History } from './history.ts';
import type { Reading } from './reading.ts';

export class Hearing {
  readonly heard: Detection[] = [];
  /** Of the manifest, until the user chooses another. */
  cutoff: number;
  #chosen = false;
  #manifest: Manifest;
  #stepMs: number;
  #detector: LabelDetector | undefined;
  #next = 0;

  constructor(manifest: Manifest, reading: Reading, hopS: number) {
    this.#manifest = manifest;
    this.#stepMs = 1000 * hopS;
    this.cutoff = manifest.detector?.cutoff ?? 0.5;
    if (reading.kind === 'word' || reading.kind === 'words') this.#begin();
  }

  /** There is something that can be heard. */
  get listens(): boolean {
    return this.#detector !== undefined;
  }

  #begin(): void {
    try {
      this.#detector = new LabelDetector(this.#manifest, this.#stepMs, this.#chosen ? { cutoff: this.cutoff } : {});
    } catch (error) {
      // without labels nothing can be heard; the scores are drawn all the same
      if (!isRunletError(error)) throw error;
    }
    this.#next = 0;
    this.heard.length = 0;
  }

  /** Takes the outputs that are new. Returns what was heard in them. */
  follow({ outputs, times }: History): Detection[] {
    const before = this.heard.length;
    if (!this.#detector) return [];
    for (this.#next = Math.max(this.#next, times.first); this.#next < times.end; this.#next++) {
      const found = this.#detector.push(outputs.record(this.#next), 1000 * times.at(this.#next));
      if (found) this.heard.push(found);
    }
    return this.heard.slice(before);
  }

  again(cutoff: number, history: History): void {
    this.cutoff = cutoff;
    this.#chosen = true;
    this.#begin();
    this.follow(history);
  }

  reset(): void {
    if (this.#detector) this.#begin();
  }
}
