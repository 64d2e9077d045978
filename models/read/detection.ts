/**
 * Metadata for word detection: the keys `runlet.labels`, `runlet.detector` and `runlet.features`.
 *
 * In: a Graph's metadata (text, untrusted).  Out: labels, settings of a detector, and the front end whose
 * rows the model takes; RN133. A microWakeWord manifest is written into these keys, so that it stays with the
 * graph from file to file. An ONNX or TensorFlow Lite file may also have these keys.
 */
import * as v from 'valibot';
import { RunletError } from '../error.ts';
import { checkedJson } from '../json.ts';
import { printable } from '../printable.ts';
import type { MwwManifest } from './mww-manifest.ts';

const text = v.pipe(v.string(), v.maxLength(200), v.transform(printable));
const probability = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

const detector = v.object({
  label: v.optional(text),
  cutoff: probability,
  cutoffs: v.optional(v.record(text, probability)),
  slidingWindow: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4096)),
  refractoryMs: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1e9)), 1000),
  output: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)), 0),
  voice: v.optional(v.boolean()),
});

const features = v.object({
  preset: v.pipe(text, v.nonEmpty()),
  stepSamples: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1 << 20)),
  sampleRateHz: v.pipe(v.number(), v.minValue(1), v.maxValue(1e9)),
});

export type DetectorSettings = v.InferOutput<typeof detector>;
export type FeaturesSettings = v.InferOutput<typeof features>;

function read<T extends typeof detector | typeof features>(
  metadata: Record<string, string>,
  key: string,
  schema: T,
): v.InferOutput<T> | undefined {
  const json = metadata[key];
  if (json === undefined) return undefined;
  const wrong = (why: string) =>
    new RunletError('RN133', { what: `the model's metadata ${key} cannot be used`, where: key, why, tryThis: 'export it again' });
  return checkedJson(json, schema, 'the value', wrong);
}

/** Returns the detector's settings, or undefined if the model has none. @throws RN133 */
export const detectorSettings = (metadata: Record<string, string>): DetectorSettings | undefined =>
  read(metadata, 'runlet.detector', detector);

/** Returns the front end whose rows the model takes, or undefined. @throws RN133 */
export const featuresSettings = (metadata: Record<string, string>): FeaturesSettings | undefined =>
  read(metadata, 'runlet.features', features);

/** Returns the names in a metadata text: a JSON list, or names separated by commas. */
export function namesIn(text: string): string[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list.map((name) => printable(String(name)));
  } catch {
    // not JSON: names separated by commas
  }
  return text.split(',').map((name) => printable(name.trim()));
}

/** Returns the names of the classes (`runlet.labels`), or undefined. */
export const labelsIn = ({ 'runlet.labels': text }: Record<string, string>): string[] | undefined =>
  text === undefined ? undefined : namesIn(text);

/** Sample rate of all microWakeWord models. */
const mwwRateHz = 16000;

/**
 * Converts a microWakeWord manifest to metadata of a graph. The word `vad` names a model of voice activity,
 * as in ESPHome.
 */
export function mwwMetadata(manifest: MwwManifest): Record<string, string> {
  const { wakeWord, cutoff, slidingWindow, refractoryMs, featureStepMs } = manifest;
  const voice = /^vad$/i.test(wakeWord);
  const settings: DetectorSettings = { label: wakeWord, cutoff, slidingWindow, refractoryMs, output: 0, ...(voice && { voice }) };
  const front: FeaturesSettings = {
    preset: 'microwakeword',
    stepSamples: (featureStepMs * mwwRateHz) / 1000,
    sampleRateHz: mwwRateHz,
  };
  return {
    'runlet.detector': JSON.stringify(settings),
    'runlet.features': JSON.stringify(front),
    'runlet.sample_rate_hz': `${1000 / featureStepMs}`,
  };
}
