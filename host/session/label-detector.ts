/**
 * Detectors of a bundle: one for the word of a wake word model, one for each label of a classifier.
 *
 * In: the manifest's `detector` and `labels`, and the values of an output.  Out: at most one Detection an
 * output.
 * Rule: each label has its own window and cutoff (detector.ts); background labels (`_silence_`, `_unknown_`)
 * have none. Where several labels are heard at once, that with the highest mean counts. After a detection all
 * windows are emptied, so that the rest of a word is not heard as another; the refractory time is the label's
 * own, so that another word may follow at once.
 * Cost: N additions a label; nothing is allocated but the Detection.
 */
import type { DetectorManifest, Manifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { type Detection, Detector } from './detector.ts';

/** What a user may set in place of the manifest's values. */
export type DetectorSettings = Partial<
  Pick<DetectorManifest, 'label' | 'cutoff' | 'cutoffs' | 'slidingWindow' | 'refractoryMs'>
> & {
  warmUpMs?: number;
};

/** Labels that stand for nothing: those in underscores, silence, unknown, noise, background. */
export const isBackground = (label: string): boolean =>
  /^_.*_$/.test(label) || /^(silence|unknown|noise|background)$/i.test(label);

/** A label may be called as a property that every object has. */
const of = (cutoffs: Record<string, number> | undefined, label: string): number | undefined =>
  cutoffs && Object.hasOwn(cutoffs, label) ? cutoffs[label] : undefined;

interface Part {
  element: number;
  detector: Detector;
}

const noDetector = (what: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN771', { what, where: 'detector', why, tryThis });

/** Elements of the output to be heard, and their labels. */
function wordsOf({ labels = [], name }: Manifest, elements: number, label: string | undefined): [number, string][] {
  if (elements === 1) return [[0, label ?? labels[0] ?? name]];
  if (labels.length !== elements)
    throw noDetector(
      'the model has no labels',
      `an output has ${elements} elements and there are ${labels.length} labels`,
      'build it with labels: the model metadata runlet.labels, or --labels a,b,c',
    );
  if (label === undefined) return labels.map((l, i): [number, string] => [i, l]).filter(([, l]) => !isBackground(l));
  const at = labels.indexOf(label);
  if (at < 0) throw noDetector(`there is no label ${label}`, `there are ${labels.join(', ')}`, 'one of them');
  return [[at, label]];
}

export class LabelDetector {
  /** The index of the output that is read. */
  readonly output: number;
  /** The model says whether there is voice; its own detections are no words. */
  readonly voice: boolean;
  readonly parts: readonly Part[];

  /**
   * @param stepMs milliseconds between two outputs.
   * @throws RN770 a value out of its range, RN771 the model's output has no such label.
   */
  constructor(manifest: Manifest, stepMs: number, settings: DetectorSettings = {}) {
    const own = manifest.detector;
    this.output = own?.output ?? 0;
    this.voice = own?.voice ?? false;
    const elements = manifest.outputs[this.output]?.elements ?? 0;
    const { slidingWindow = own?.slidingWindow ?? 1 } = settings;
    const cutoffOf = (label: string): number =>
      of(settings.cutoffs, label) ?? settings.cutoff ?? of(own?.cutoffs, label) ?? own?.cutoff ?? 0.5;
    const refractoryMs = settings.refractoryMs ?? own?.refractoryMs;
    const { warmUpMs } = settings;
    this.parts = wordsOf(manifest, elements, settings.label ?? own?.label).map(([element, label]) => ({
      element,
      detector: new Detector({
        label,
        cutoff: cutoffOf(label),
        slidingWindow,
        refractoryMs,
        warmUpMs,
        stepMs,
      }),
    }));
    for (const label of Object.keys(settings.cutoffs ?? {}))
      if (!this.parts.some(({ detector }) => detector.label === label))
        throw noDetector(
          `there is no label ${label}`,
          `there are ${this.parts.map(({ detector }) => detector.label).join(', ')}`,
          'one of them',
        );
    if (this.parts.length === 0)
      throw noDetector(
        'there is nothing to be heard',
        `all labels are background: ${manifest.labels?.join(', ')}`,
        'choose one with --label',
      );
  }

  /** Some label's mean is above its cutoff now. */
  get active(): boolean {
    for (const { detector } of this.parts) if (detector.active) return true;
    return false;
  }

  /** The latest output would have been a detection, had there been voice. */
  get blocked(): boolean {
    for (const { detector } of this.parts) if (detector.blocked) return true;
    return false;
  }

  /** The detector of the label with the highest mean. */
  get candidate(): Detector | undefined {
    let best: Detector | undefined;
    for (const { detector } of this.parts) if (!best || detector.mean > best.mean) best = detector;
    return best;
  }

  /** Highest mean of all labels. */
  get mean(): number {
    return this.candidate?.mean ?? 0;
  }

  reset(): void {
    for (const { detector } of this.parts) detector.reset();
  }

  /**
   * Takes the values of the next output. A model of voice activity hears no words: ask it for `active`.
   * @param values real values of output `output`, one a label.
   * @param voice false: nothing counts now.
   */
  push(values: Float32Array, timeMs: number, voice = true): Detection | undefined {
    let best: Detector | undefined;
    if (this.voice) {
      for (const { element, detector } of this.parts) detector.advance(values[element] as number, timeMs);
      return undefined;
    }
    for (const { element, detector } of this.parts)
      if (detector.advance(values[element] as number, timeMs, voice) && !(best && best.mean >= detector.mean)) best = detector;
    if (!best) return undefined;
    const detection = best.take();
    for (const { detector } of this.parts) if (detector !== best) detector.clear();
    return detection;
  }
}
