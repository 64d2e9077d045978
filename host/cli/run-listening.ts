/**
 * Splits the arguments of runlet run into models and the source of sound, and starts listen.ts with them.
 */
import { RunletError } from '../../models/error.ts';
import { kebab } from '../command/args.ts';
import { openSource, type SourceOptions } from '../sources/index.ts';
import { type RunOptions, rowArgs } from './run-args.ts';

/** Returns the models at the front of the arguments: the first one, and those with a model's extension. */
export function modelsIn(given: readonly string[]): string[] {
  const others = given.slice(1, -1).findIndex((name) => !/\.(wasm|tflite|onnx|rnq|json)$/i.test(name));
  return given.slice(0, others < 0 ? Math.max(1, given.length - 1) : others + 1);
}

/** Checks whether a name is that of a model that has to be built first. */
export const isModelFile = (name: string): boolean => /\.(tflite|onnx|rnq|json)$/i.test(name);

/** Checks whether a source is sound rather than rows. */
export const isSound = (spec: string, { format }: SourceOptions): boolean =>
  format === undefined
    ? /^(-|mic)$|^gen:|\.(wav|s16|s24|s32|u8|f64|alaw|al|mulaw|ul)$/i.test(spec)
    : format !== 'text' && format !== 'csv';

/** Runs models that take sound. @throws RN741 */
export async function runListening(
  paths: string[],
  sourceOptions: SourceOptions,
  rateHz: number | undefined,
  limit: number,
  options: RunOptions,
  given: ReadonlySet<string>,
): Promise<void> {
  const names = Object.keys(rowArgs)
    .filter((name) => given.has(name))
    .map(kebab);
  const all = [options.bundle, ...options.source];
  const specs = all.slice(paths.length);
  if (names.length > 0 || specs.length !== 1)
    throw new RunletError('RN741', {
      what:
        names.length > 0
          ? `models that take sound have no option --${names.join(', --')}`
          : 'models that take sound need exactly one source',
      where: all.join(' '),
      why: `${paths.join(', ')} ${paths.length > 1 ? 'take' : 'takes'} sound, ${specs.length > 0 ? `and the source would be ${specs.join(', ')}` : 'and there is no source'}`,
      tryThis: 'runlet run --help',
    });
  const [spec] = specs as [string];
  const [{ checkPiped, listen }, { openListening }] = await Promise.all([import('./listen.ts'), import('./listening-models.ts')]);
  checkPiped(spec);
  const { frontEnd, stepMs, hop, labels, label, cutoff, slidingWindow, refractoryMs, gate, realtime, json, scores } = options;
  const listening = await openListening(
    paths,
    { frontEnd, stepMs, hop, labels, label, cutoff, slidingWindow, refractoryMs, gate },
    rateHz ?? 16000,
  );
  const source = await openSource(spec, {
    ...sourceOptions,
    sound: true,
    resample: true,
    sampleRateHz: listening.sampleRateHz,
    rawRateHz: rateHz,
  });
  await listen(listening, { source, realtime, limit, scores, json });
}
