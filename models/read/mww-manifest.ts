/**
 * Manifests of microWakeWord models: the JSON file next to a .tflite, which says when the word counts as
 * heard.
 *
 * In: the file's text.  Out: a MwwManifest, or RN131 to RN134.  Untrusted: every field is checked; unknown
 * ones are ignored.
 * Source: ESPHome's component micro_wake_word (MANIFEST_SCHEMA_V1 and V2), esphome/micro-wake-word-models.
 * Version 1 has `sliding_window_average_size` and no feature step, and was made for rows every 20 ms; it is
 * upgraded, and `notice` says so.
 */
import * as v from 'valibot';
import { RunletError } from '../error.ts';

export interface MwwManifest {
  /** Version in the file. */
  version: 1 | 2;
  wakeWord: string;
  /** File name of the model, in the folder of the manifest. */
  model: string;
  /** Mean probability above which the word is heard, 0 to 1. */
  cutoff: number;
  /** Number of outputs in the mean. */
  slidingWindow: number;
  /** Milliseconds between two rows of the front end. */
  featureStepMs: number;
  /** Milliseconds after a detection without another one, as in ESPHome: 100 rows, or 74 in version 1. */
  refractoryMs: number;
  /** What the reader assumed, as text for the user. */
  notice?: string;
}

const text = v.pipe(v.string(), v.maxLength(200));
const cutoff = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const windowOutputs = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4096));
const common = { type: v.literal('micro'), wake_word: v.pipe(text, v.nonEmpty()), model: v.pipe(text, v.nonEmpty()) };

const version1 = v.object({
  ...common,
  version: v.literal(1),
  micro: v.object({ probability_cutoff: cutoff, sliding_window_average_size: windowOutputs }),
});

const version2 = v.object({
  ...common,
  version: v.literal(2),
  micro: v.object({
    probability_cutoff: cutoff,
    sliding_window_size: windowOutputs,
    feature_step_size: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)),
  }),
});

/** Largest manifest that is read, in bytes. A choice: far above real manifests. */
export const mwwManifestLimitBytes = 1 << 20;

/** Checks whether a text is the JSON of a microWakeWord manifest, valid or not. */
export function isMwwManifest(bytes: Uint8Array): boolean {
  try {
    const value: unknown = bytes.length > mwwManifestLimitBytes ? undefined : JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null && 'type' in value && value.type === 'micro';
  } catch {
    return false;
  }
}

/** Returns the JSON object of a file. @throws RN131 */
function jsonOf(bytes: Uint8Array, where: string): Record<string, unknown> {
  const damaged = (why: string) =>
    new RunletError('RN131', {
      what: 'this is not the manifest of a microWakeWord model',
      where,
      why,
      tryThis: 'give the .tflite itself, or the JSON file that came with it (type "micro")',
    });
  if (bytes.length > mwwManifestLimitBytes) throw damaged(`it has ${bytes.length} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw damaged((error as Error).message);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged('it is no JSON object');
  const { type } = value as Record<string, unknown>;
  if (type !== 'micro') throw damaged(`its type is ${JSON.stringify(type)?.slice(0, 40) ?? 'missing'}, not "micro"`);
  return value as Record<string, unknown>;
}

function checked<T extends typeof version1 | typeof version2>(schema: T, value: unknown, where: string): v.InferOutput<T> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new RunletError('RN133', {
    what: `the manifest's ${v.getDotPath(issue) ?? 'fields'} cannot be used`,
    where,
    why: issue.message,
    tryThis:
      'correct it there: a version 2 manifest has probability_cutoff, sliding_window_size and feature_step_size under micro',
  });
}

/** Returns the model's file name. A manifest may only name a file in its own folder. @throws RN134 */
function modelName(model: string, where: string): string {
  const name = model.replace(/^\.\//, '');
  if (/^[^/\\:\0]+$/.test(name) && name !== '.' && name !== '..') return name;
  throw new RunletError('RN134', {
    what: `the manifest's model ${JSON.stringify(model)} is not a file in its folder`,
    where,
    why: 'a manifest names a file of its own folder, without a path or an address',
    tryThis: 'download the model into the folder of the manifest and name it there, or give the .tflite itself',
  });
}

/**
 * Reads a manifest.
 * @param where the file's name, for errors.
 * @throws RN131 not a manifest, RN132 an unknown version, RN133 an invalid field, RN134 an invalid model.
 */
export function readMwwManifest(bytes: Uint8Array, where: string): MwwManifest {
  const value = jsonOf(bytes, where);
  if (value.version !== 1 && value.version !== 2)
    throw new RunletError('RN132', {
      what: `this manifest has version ${JSON.stringify(value.version)?.slice(0, 40) ?? 'none'}`,
      where,
      why: 'versions 1 and 2 are known',
      tryThis: 'compare it with one of esphome/micro-wake-word-models, and set "version": 2 if it has the same fields',
    });
  const of = (
    { wake_word, model, micro }: { wake_word: string; model: string; micro: { probability_cutoff: number } },
    slidingWindow: number,
    featureStepMs: number,
    refractoryRows: number,
  ) => ({
    wakeWord: wake_word,
    model: modelName(model, where),
    cutoff: micro.probability_cutoff,
    slidingWindow,
    featureStepMs,
    refractoryMs: refractoryRows * featureStepMs,
  });
  if (value.version === 2) {
    const found = checked(version2, value, where);
    return { version: 2, ...of(found, found.micro.sliding_window_size, found.micro.feature_step_size, 100) };
  }
  const found = checked(version1, value, where);
  const notice =
    'manifest version 1: read as version 2 with sliding_window_size for sliding_window_average_size and feature_step_size 20';
  return { version: 1, ...of(found, found.micro.sliding_window_average_size, 20, 74), notice };
}
