/**
 * The arguments of runlet run.
 */
import type { ArgsDef, ParsedArgs } from 'citty';
import { gapPolicies } from '../session/gap.ts';
import { formats } from '../sources/source.ts';
import { jsonArg } from './args.ts';
import { detectorArgs } from './load.ts';

export const runArgs = {
  bundle: {
    type: 'positional',
    description:
      'The .wasm file that build wrote, or an int8 model for sound (.tflite, .json, ...); several of them listen together',
    required: true,
  },
  source: {
    type: 'positional',
    description:
      'A .csv, .wav, .npy or .npz file, - or mic for standard input, or gen:sine?freq=1 (sine chirp noise steps ecg ppg); several inputs: one each, in order or as name=source, or one .npz',
    required: true,
  },
  realtime: { type: 'boolean', description: 'Pace the signal by its sample rate instead of running as fast as possible' },
  limit: { type: 'string', description: 'Stop after this many outputs', valueHint: 'n' },
  plot: { type: 'string', description: 'Write an SVG of input and output', valueHint: 'out.svg' },
  truth: { type: 'string', description: 'CSV column with the truth (gen:ecg and gen:ppg: bpm)', valueHint: 'column' },
  'truth-at': {
    type: 'string',
    description: "Truth of an output: at its window's end (default), or the mean over the window",
    valueHint: 'end|mean',
  },
  columns: { type: 'string', description: 'CSV columns or channels of sound to use, names or indexes from 0', valueHint: 'a,b' },
  header: { type: 'boolean', description: 'The first line of the CSV is a header (guessed otherwise)' },
  gap: {
    type: 'string',
    description: 'Lost frames (empty or NaN, or a jump of the time column): begin again, repeat the last, or 0',
    valueHint: gapPolicies.join('|'),
  },
  time: {
    type: 'string',
    description: 'CSV column with the time of each row (with --gap; none: no such column)',
    valueHint: 'column',
  },
  'time-unit': {
    type: 'string',
    description: 'Unit of the time column (default: by its name or its first step)',
    valueHint: 's|ms',
  },
  channel: {
    type: 'string',
    description: 'Channel of sound from 0, or mix (the default of models that listen)',
    valueHint: 'n|mix',
  },
  resample: { type: 'boolean', description: "Sound of another rate is resampled to the model's (always for models that listen)" },
  channels: { type: 'string', description: 'Channels of raw sound (default 1)', valueHint: 'n' },
  array: { type: 'string', description: 'Array of an .npz file', valueHint: 'name' },
  row: { type: 'string', description: 'Take this index of the first axis of an array', valueHint: 'n' },
  format: {
    type: 'string',
    description: 'What comes through standard input (default: text, for sound s16; WAV is recognised)',
    valueHint: formats.join('|'),
  },
  gain: { type: 'string', description: 'Multiply every value, for example 32768', valueHint: 'x' },
  real: { type: 'boolean', description: 'Values are real numbers, also where the model takes int8 or uint8' },
  rate: {
    type: 'string',
    description: 'Frames a second, where neither bundle nor source says; of raw sound, its rate',
    valueHint: 'Hz',
  },
  'front-end': {
    type: 'string',
    description: "Prepare the samples: ppg, microwakeword, audio-preprocessor, log-mel or none (default: the bundle's)",
    valueHint: 'name',
  },
  'step-ms': { type: 'string', description: 'Milliseconds between two rows of the front end', valueHint: 'ms' },
  hop: { type: 'string', description: 'Frames between two outputs of a model that is built here', valueHint: 'n' },
  ...detectorArgs,
  scores: { type: 'boolean', description: 'Models that listen: every output, not the words alone' },
  ...jsonArg,
} as const satisfies ArgsDef;

export type RunOptions = ParsedArgs<typeof runArgs>;
