/**
 * Presets: named settings of front ends.
 *
 * `microwakeword`: ESPHome's micro_wake_word and its training (window 30 ms, step 10 ms; some models take
 * every second row, step 20 ms). `audio-preprocessor`: tflite-micro's audio_preprocessor_int8 (step 20 ms),
 * with the tables of its Python maker. `log-mel`: a plain log mel spectrum without noise reduction and gain
 * control: 0 to 16 in steps of 1/16 of a natural logarithm. `openwakeword`: openWakeWord's mel spectrogram as
 * its embedding network takes it, log10(power) + 2: 0 to 12.75 in steps of 0.05. Silence is 0.2 instead of
 * -8.
 */

import { lookup } from '../lookup.ts';
import { badFrontEnd, type FrontEndParameters, type OutputScale } from './types.ts';

/**
 * Models are trained on features f / 25.6, from 0 to 26, which int8 divides into 256 steps. The models give
 * 26 / 255 as the step.
 */
const output: OutputScale = {
  multiply: 256,
  add: 333,
  divide: 666,
  offset: -128,
  low: -128,
  high: 127,
  scale: Math.fround(26 / 255),
  zeroPoint: -128,
};

const microWakeWord: FrontEndParameters = {
  name: 'microwakeword',
  sampleRateHz: 16000,
  windowSamples: 480,
  stepSamples: 160,
  channels: 40,
  lowerHz: 125,
  upperHz: 7500,
  noise: { smoothingBits: 10, evenSmoothing: 0.025, oddSmoothing: 0.06, minSignalRemaining: 0.05 },
  pcan: { strength: 0.95, offset: 80, gainBits: 21 },
  log: { scaleShift: 6 },
  tables: 'library',
  output,
};

const presets: Record<string, FrontEndParameters> = {
  microwakeword: microWakeWord,
  'audio-preprocessor': { ...microWakeWord, name: 'audio-preprocessor', stepSamples: 320, tables: 'signal' },
  'log-mel': {
    ...microWakeWord,
    name: 'log-mel',
    windowSamples: 400,
    noise: false,
    pcan: false,
    output: { ...output, multiply: 1, add: 2, divide: 4, scale: 1 / 16 },
  },
  openwakeword: {
    ...microWakeWord,
    name: 'openwakeword',
    windowSamples: 512,
    hannSamples: 400,
    channels: 32,
    lowerHz: 60,
    upperHz: 3800,
    noise: false,
    pcan: false,
    tables: 'librosa',
    // a feature is 64 ln(8 amplitude): 20 (log10(amplitude^2) + 2) = 19 / 70 f + 3.88
    output: { ...output, multiply: 19, add: 307, divide: 70, scale: 0.05 },
  },
};

/** `micro` is the name of the front end itself; it means the settings that most models have. */
const aliases: Record<string, string> = { micro: 'microwakeword' };

export const presetNames: readonly string[] = Object.keys(presets);

export const isPreset = (name: string): boolean => Object.hasOwn(presets, lookup(aliases, name) ?? name);

/** Returns a copy of a preset's parameters. @throws RN506 if there is no such preset */
export function presetParameters(name: string): FrontEndParameters {
  const known = lookup(aliases, name) ?? name;
  if (Object.hasOwn(presets, known)) return structuredClone(presets[known] as FrontEndParameters);
  throw badFrontEnd(`preset ${name}`, `there are ${presetNames.join(', ')}`);
}
