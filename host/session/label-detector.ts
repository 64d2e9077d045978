/**
 * LabelDetector: the detectors of a bundle, one for the word of a wake word model or one for each label of a
 * classifier.
 *
 * In: the manifest's `detector` and `labels`, and the values of an output.  Out: at most one Detection per
 * output.  Errors: RN770, RN771.
 * Rule: each label has its own window and cutoff (detector.ts). Background labels (`_silence_`, `_unknown_`)
 * have no detector. If several labels are heard at once, the one with the highest mean is reported. A
 * detection empties all windows, so that the rest of the word is not heard as another word. It starts the
 * refractory time of its own label only, so that another word may follow immediately.
 * Cost: N additions per label; only the Detection is allocated.
 */
import { type DetectorManifest, labelCutoff, type Manifest } from '../../assembly/bundle/manifest.ts';
import { RunletError } from '../../models/error.ts';
import { type Detection, Detector } from './detector.ts';

/** Settings that override the manifest's values. */
export type DetectorSettings = Partial<
  Pick<DetectorManifest, 'label' | 'cutoff' | 'cutoffs' | 'slidingWindow' | 'refractoryMs'>
> & {
  warmUpMs?: number;
};

/** Returns true for background labels: those in underscores, silence, unknown, noise and background. */
export const isBackground = (label: string): boolean =>
  /^_.*_$/.test(label) || /^(silence|unknown|noise|background)$/i.test(label);

interface Part {
  element: number;
  detector: Detector;
}

const noDetector = (what: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN771', { what, where: 'detector', why, tryThis });

/** Returns the elements of the output that get a detector, with their labels. @throws RN771 */
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
  if (at < 0) throw noDetector(`there is no label ${label}`, `there are ${labels.join(', ')}`, 'use one of them');
  return [[at, label]];
}

export class LabelDetector {
  /** Index of the output that is read. */
  readonly output: number;
  /** True for a voice activity model: it reports whether there is voice, and hears no words. */
  readonly voice: boolean;
  readonly parts: readonly Part[];

  /**
   * @param stepMs milliseconds between two outputs.
   * @throws RN770 if a value is out of range, RN771 if the model's output has no such label.
   */
  constructor(manifest: Manifest, stepMs: number, settings: DetectorSettings = {}) {
    const defaults = manifest.detector;
    this.output = defaults?.output ?? 0;
    this.voice = defaults?.voice ?? false;
    const elements = manifest.outputs[this.output]?.elements ?? 0;
    const { slidingWindow = defaults?.slidingWindow ?? 1 } = settings;
    const cutoffOf = (label: string): number =>
      labelCutoff(settings.cutoffs, label) ?? settings.cutoff ?? labelCutoff(defaults?.cutoffs, label) ?? defaults?.cutoff ?? 0.5;
    const refractoryMs = settings.refractoryMs ?? defaults?.refractoryMs;
    const { warmUpMs } = settings;
    this.parts = wordsOf(manifest, elements, settings.label ?? defaults?.label).map(([element, label]) => ({
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
          'use one of them',
        );
    if (this.parts.length === 0)
      throw noDetector(
        'no label can be heard',
        `all labels are background: ${manifest.labels?.join(', ')}`,
        'choose one with --label',
      );
  }

  /** True while the mean of at least one label is above its cutoff. */
  get active(): boolean {
    for (const { detector } of this.parts) if (detector.active) return true;
    return false;
  }

  /** True if the latest output was not a detection only because there was no voice. */
  get blocked(): boolean {
    for (const { detector } of this.parts) if (detector.blocked) return true;
    return false;
  }

  /** Outputs in the mean, the same for all labels. */
  get slidingWindow(): number {
    return this.parts[0]?.detector.slidingWindow ?? 1;
  }

  /** Detector of the label with the highest mean. */
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
   * Takes the values of the next output. A voice activity model never returns a Detection: read `active`.
   * @param values real values of output `output`, one per label.
   * @param timeMs time of the output, in milliseconds.
   * @param voice false prevents a detection now.
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
