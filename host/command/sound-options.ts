/**
 * Options of the audio front end, for features and build.
 *
 * In: a preset's name and options that change it.  Out: FrontEnd. RN506 where they do not fit each other,
 * RN740 where a value is of no use.
 */

import { basename } from 'node:path';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { samplesOf } from '../../models/frontend/steps.ts';
import { type FrontEnd, type FrontEndParameters, tableKinds } from '../../models/frontend/types.ts';
import { latin1 } from '../../models/graph/base64.ts';
import { badOption, kebab } from './args.ts';
import { choice, flag, type Given, group, number } from './options.ts';
import { readBytes } from './read-file.ts';

const ms = { min: 0.01, max: 60_000, hint: 'ms' } as const;

/** What of a preset can be changed. */
export const soundArgs = group('Sound', {
  stepMs: number('Front end: time between two rows (default: of the preset)', ms),
  windowMs: number('Front end: time that a row looks at', ms),
  rows: number('Front end: features of a row (channels of the filter bank)', { min: 1, whole: true }),
  lowerHz: number('Front end: lower end of the band', { min: 0, hint: 'Hz' }),
  upperHz: number('Front end: upper end of the band', { min: 0, hint: 'Hz' }),
  noiseReduction: flag('Front end: noise reduction', 'Front end: without noise reduction'),
  pcan: flag('Front end: gain control', 'Front end: without gain control'),
  log: flag('Front end: logarithm of the features', 'Front end: without the logarithm'),
  tables: choice(
    'Front end: library (default of most), newlib (as an ESP32 computes filter weights), signal or librosa',
    tableKinds,
  ),
});

export type SoundOptions = Given<typeof soundArgs>;

/** What --front-end takes that is no file. */
export const presetName = /^[\w-]+$/;

/** A preset's parameters with the options applied; times in milliseconds hold at another rate too. */
export function soundParameters(preset: string, options: SoundOptions, rateHz?: number): FrontEndParameters {
  const parameters = presetParameters(preset);
  const { sampleRateHz: ownHz } = parameters;
  const sampleRateHz = rateHz ?? ownHz;
  const time = (option: 'step-ms' | 'window-ms', ms: number | undefined, samples: number): number =>
    ms === undefined && sampleRateHz === ownHz ? samples : samplesOf(ms ?? (1000 * samples) / ownHz, sampleRateHz, `--${option}`);
  const own = (on: boolean | undefined, name: 'noise' | 'pcan' | 'log') => (on === false ? { [name]: false } : {});
  const { rows: channels, lowerHz, upperHz, tables } = options;
  const changed = { channels, lowerHz, upperHz, tables };
  return {
    ...parameters,
    sampleRateHz,
    stepSamples: time('step-ms', options.stepMs, parameters.stepSamples),
    windowSamples: time('window-ms', options.windowMs, parameters.windowSamples),
    ...(Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined)) as Partial<FrontEndParameters>),
    ...own(options.noiseReduction, 'noise'),
    ...own(options.pcan, 'pcan'),
    ...own(options.log, 'log'),
  };
}

/**
 * A front end that a file holds, with another step. @throws RN506, RN740 where an option would change its
 * tables
 */
export function withStep(frontEnd: FrontEnd, options: SoundOptions): FrontEnd {
  const given = Object.keys(soundArgs).find((name) => name !== 'stepMs' && options[name as keyof SoundOptions] !== undefined);
  if (given)
    throw badOption(
      kebab(given),
      String(options[given as keyof SoundOptions]),
      'a preset; the front end of a file has its own tables',
    );
  if (options.stepMs === undefined) return frontEnd;
  const stepSamples = samplesOf(options.stepMs, frontEnd.sampleRateHz, '--step-ms');
  if (stepSamples > frontEnd.windowSamples)
    throw badOption('step-ms', `${options.stepMs}`, `at most the window, ${frontEnd.windowSamples} samples`);
  return { ...frontEnd, stepSamples };
}

/** The front end of a TensorFlow Lite file of Signal operators; undefined where it has none. */
export async function fileFrontEnd(
  path: string,
  bytes: Uint8Array,
  options: SoundOptions,
  sampleRateHz?: number,
): Promise<FrontEnd | undefined> {
  if (latin1(bytes.subarray(4, 8)) !== 'TFL3') return undefined;
  const { readFrontEnd } = await import('../../models/read/tflite/signal/index.ts');
  const name = basename(path).replace(/\.[^.]*$/, '');
  const frontEnd = readFrontEnd(bytes, { name, ...(sampleRateHz && { sampleRateHz }) });
  return frontEnd && withStep(frontEnd, options);
}

/** A preset by its name, or the front end of a .tflite file. @throws RN506, RN720, RN740 */
export async function soundFrontEnd(preset: string, options: SoundOptions, rateHz?: number): Promise<FrontEnd> {
  if (!preset.endsWith('.tflite')) return makeFrontEnd(soundParameters(preset, options, rateHz));
  const frontEnd = await fileFrontEnd(preset, await readBytes(preset), options, rateHz);
  if (frontEnd) return frontEnd;
  throw badOption('preset', preset, 'a preset, or a file that is a front end (SignalWindow and what follows)');
}
