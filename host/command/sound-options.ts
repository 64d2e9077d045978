/**
 * Options of the audio front end, for `features`, `build` and `quantize`.
 *
 * In: the name of a preset, and options that change it.  Out: a FrontEnd.
 * Errors: RN506 if the options do not fit together, RN740 if a value cannot be used.
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

/** Options that change a preset. */
export const soundArgs = group('Sound', {
  stepMs: number('Front end: time between two rows (default: from the preset)', ms),
  windowMs: number('Front end: length of sound that makes up one row', ms),
  rows: number('Front end: number of features in a row (channels of the filter bank)', { min: 1, whole: true }),
  lowerHz: number('Front end: lower limit of the frequency band', { min: 0, hint: 'Hz' }),
  upperHz: number('Front end: upper limit of the frequency band', { min: 0, hint: 'Hz' }),
  noiseReduction: flag('Front end: noise reduction', 'Front end: without noise reduction'),
  pcan: flag('Front end: gain control', 'Front end: without gain control'),
  log: flag('Front end: logarithm of the features', 'Front end: without the logarithm'),
  tables: choice(
    'Front end: how its tables are made: library (default of most presets), newlib (as an ESP32 computes filter weights), signal or librosa',
    tableKinds,
  ),
});

export type SoundOptions = Given<typeof soundArgs>;

/** Values of --front-end that are not a file. */
export const presetName = /^[\w-]+$/;

/** Returns a preset's parameters with the options applied. At another sample rate, times in ms are kept. */
function soundParameters(preset: string, options: SoundOptions, rateHz?: number): FrontEndParameters {
  const parameters = presetParameters(preset);
  const { sampleRateHz: presetHz } = parameters;
  const sampleRateHz = rateHz ?? presetHz;
  const time = (option: 'step-ms' | 'window-ms', ms: number | undefined, samples: number): number =>
    ms === undefined && sampleRateHz === presetHz
      ? samples
      : samplesOf(ms ?? (1000 * samples) / presetHz, sampleRateHz, `--${option}`);
  const switchedOff = (on: boolean | undefined, name: 'noise' | 'pcan' | 'log') => (on === false ? { [name]: false } : {});
  const { rows: channels, lowerHz, upperHz, tables } = options;
  const changed = { channels, lowerHz, upperHz, tables };
  return {
    ...parameters,
    sampleRateHz,
    stepSamples: time('step-ms', options.stepMs, parameters.stepSamples),
    windowSamples: time('window-ms', options.windowMs, parameters.windowSamples),
    ...(Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined)) as Partial<FrontEndParameters>),
    ...switchedOff(options.noiseReduction, 'noise'),
    ...switchedOff(options.pcan, 'pcan'),
    ...switchedOff(options.log, 'log'),
  };
}

/**
 * Returns a file's front end with the step from the options. @throws RN506, RN740 if another option is given,
 * which would change the file's tables.
 */
function withStep(frontEnd: FrontEnd, options: SoundOptions): FrontEnd {
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

/** Reads the front end from a TensorFlow Lite file of Signal operators; undefined if the file has none. */
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

/** Makes a front end from a preset's name or from a .tflite file. @throws RN506, RN720, RN740 */
export async function soundFrontEnd(preset: string, options: SoundOptions, rateHz?: number): Promise<FrontEnd> {
  if (!preset.endsWith('.tflite')) return makeFrontEnd(soundParameters(preset, options, rateHz));
  const frontEnd = await fileFrontEnd(preset, await readBytes(preset), options, rateHz);
  if (frontEnd) return frontEnd;
  throw badOption('preset', preset, 'a preset, or a file with a front end (SignalWindow and the operators after it)');
}
