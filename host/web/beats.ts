/**
 * Finds the beats of an ECG in a history: models/zoo/ecg with the rules of host/features.
 *
 * In: scores [none, N, S, V, F] and the samples of their windows.  Out: a detection at the time of each beat.
 */
import { type BeatKinds, beatKinds, type KindWeights } from '../features/beat-kinds.ts';
import { type Beat, type BeatFinder, beatFinder } from '../features/beats.ts';
import type { Detection } from '../session/index.ts';
import type { History } from './history.ts';
import type { Loaded } from './protocol.ts';

const names = ['N', 'S', 'V', 'F'];
/** Upper bound of the evidence, a sum of three scores. */
const maxEvidence = 3;

export class BeatHearing {
  readonly heard: Detection[] = [];
  #loaded: Loaded;
  #weights: KindWeights;
  #delaySamples: number;
  #finder: BeatFinder = beatFinder();
  #kinds: BeatKinds;
  #next = 0;
  #pushed = 0;

  /** @param delayS seconds from the time that an output describes to the end of its window. */
  constructor(loaded: Loaded, weights: KindWeights, delayS: number) {
    this.#loaded = loaded;
    this.#weights = weights;
    this.#delaySamples = Math.round(delayS * loaded.rateHz);
    this.#kinds = beatKinds(weights);
  }

  reset(): void {
    this.heard.length = 0;
    this.#finder = beatFinder();
    this.#kinds = beatKinds(this.#weights);
    [this.#next, this.#pushed] = [0, 0];
  }

  /** Reads the new outputs. @returns the beats found in them */
  follow({ outputs, times, wave }: History): Detection[] {
    const before = this.heard.length;
    for (; this.#next < times.end; this.#next++) {
      const end = Math.round(times.at(this.#next) * this.#loaded.rateHz);
      // at the rate of an ECG each bucket holds one sample
      this.#kinds.push(Array.from({ length: end - this.#pushed }, (_, i) => wave.at(this.#pushed + i, 1)));
      this.#pushed = end;
      const beat = this.#finder.push(outputs.record(this.#next));
      if (beat) this.#found(beat);
    }
    return this.heard.slice(before);
  }

  /** Ends the signal. @returns the beats in the last outputs */
  end(): Detection[] {
    const before = this.heard.length;
    for (const beat of this.#finder.end()) this.#found(beat);
    return this.heard.slice(before);
  }

  #sampleOf(beat: Beat): number {
    const { window, hop } = this.#loaded.manifest;
    return window - 1 - this.#delaySamples + hop * beat.answer;
  }

  #found(beat: Beat): void {
    const sample = this.#sampleOf(beat);
    const { beatClass, evidence } = this.#kinds.judge(beat, sample);
    const timeMs = (1000 * sample) / this.#loaded.rateHz;
    this.heard.push({ label: names[beatClass] as string, timeMs, probability: evidence / maxEvidence } as Detection);
  }
}
