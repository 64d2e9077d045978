/**
 * Options of the audio front end, for features and build.
 *
 * In: a preset's name and options that change it.  Out: FrontEnd. RN506 where they do not fit each other, RN740 where a value is of no use.
 */

import { basename } from 'node:path';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { samplesOf } from '../../models/frontend/steps.ts';
import type { FrontEnd, FrontEndParameters } from '../../models/frontend/types.ts';
import { latin1 } from '../../models/graph/base64.ts';
import { badOption, choiceOption, kebab, numberOption } from './args.ts';
import { readBytes } from './load.ts';

/** Times of the front end. */
export const timeArgs = {
  stepMs: { type: 'string', description: 'Front end: time between two rows (default: of the preset)', valueHint: 'ms' },
  windowMs: { type: 'string', description: 'Front end: time that a row looks at', valueHint: 'ms' },
} as const;

/** What else of a preset can be changed. */
export const soundArgs = {
  ...timeArgs,
  rows: { type: 'string', description: 'Front end: features of a row (channels of the filter bank)', valueHint: 'n' },
  lowerHz: { type: 'string', description: 'Front end: lower end of the band', valueHint: 'Hz' },
  upperHz: { type: 'string', description: 'Front end: upper end of the band', valueHint: 'Hz' },
  noiseReduction: { type: 'boolean', description: 'Front end: --no-noise-reduction switches it off' },
  pcan: { type: 'boolean', description: 'Front end: --no-pcan switches the gain control off' },
  log: { type: 'boolean', description: 'Front end: --no-log leaves out the logarithm' },
  tables: {
    type: 'string',
    description: 'Front end: library (default of most), newlib (as an ESP32 computes filter weights) or signal',
    valueHint: 'name',
  },
} as const;

export interface SoundOptions {
  stepMs?: string;
  windowMs?: string;
  rows?: string;
  lowerHz?: string;
  upperHz?: string;
  noiseReduction?: boolean;
  pcan?: boolean;
  log?: boolean;
  tables?: string;
}

/** A preset's parameters with the options applied; times in milliseconds hold at another rate too. */
export function soundParameters(preset: string, options: SoundOptions, rateHz?: number): FrontEndParameters {
  const parameters = presetParameters(preset);
  const { sampleRateHz: ownHz } = parameters;
  const sampleRateHz = rateHz ?? ownHz;
  const time = (option: 'step-ms' | 'window-ms', text: string | undefined, samples: number): number => {
    const ms = numberOption(option, text, { min: 0.01, max: 60_000 });
    return ms === undefined && sampleRateHz === ownHz
      ? samples
      : samplesOf(ms ?? (1000 * samples) / ownHz, sampleRateHz, `--${option}`);
  };
  const own = (on: boolean | undefined, name: 'noise' | 'pcan' | 'log') => (on === false ? { [name]: false } : {});
  const changed = {
    channels: numberOption('rows', options.rows, { min: 1, whole: true }),
    lowerHz: numberOption('lower-hz', options.lowerHz, { min: 0 }),
    upperHz: numberOption('upper-hz', options.upperHz, { min: 0 }),
    tables: choiceOption('tables', options.tables, ['library', 'newlib', 'signal'] as const),
  };
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

/** A front end that a file holds, with another step. @throws RN506, RN740 where an option would change its tables */
export function withStep(frontEnd: FrontEnd, options: SoundOptions): FrontEnd {
  const given = Object.keys(soundArgs).find((name) => name !== 'stepMs' && options[name as keyof SoundOptions] !== undefined);
  if (given)
    throw badOption(
      kebab(given),
      String(options[given as keyof SoundOptions]),
      'a preset; the front end of a file has its own tables',
    );
  const ms = numberOption('step-ms', options.stepMs, { min: 0.01, max: 60_000 });
  if (ms === undefined) return frontEnd;
  const stepSamples = samplesOf(ms, frontEnd.sampleRateHz, '--step-ms');
  if (stepSamples > frontEnd.windowSamples)
    throw badOption('step-ms', String(options.stepMs), `at most the window, ${frontEnd.windowSamples} samples`);
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
