/**
 * The arguments of runlet run.
 */
import { presetNames } from '../../models/frontend/presets.ts';
import { detectorArgs, hopArg, signalArgs, truthArgs } from '../command/model-options.ts';
import {
  argument,
  choice,
  flag,
  group,
  input,
  jsonArg,
  number,
  output,
  rest,
  reworded,
  signals,
  text,
  type Values,
} from '../command/options.ts';
import { presetName, soundArgs } from '../command/sound-options.ts';
import { gapPolicies } from '../session/gap.ts';
import { formats } from '../sources/source.ts';

/** What models that listen alone take. */
export const listeningArgs = group('Models that listen', {
  stepMs: soundArgs.stepMs,
  hop: reworded(hopArg.hop, 'Frames between two outputs of a model that is built here'),
  scores: flag('Every output, not the words alone'),
});

/** What only rows take, of models that do not listen. */
export const rowArgs = {
  ...group('Gaps and time', {
    gap: choice('Lost frames (empty or NaN, or a jump of the time column): begin again, repeat the last, or 0', gapPolicies),
    time: text('CSV column with the time of each row (with --gap; none: no such column)', { hint: 'column' }),
    timeUnit: choice('Unit of the time column (default: by its name or its first step)', ['s', 'ms']),
  }),
  ...truthArgs,
  ...group('The source', {
    header: flag('The first line of the CSV is a header (guessed otherwise)', 'The first line of the CSV is data'),
    array: text('Array of an .npz file', { hint: 'name' }),
    row: number('Take this index of the first axis of an array', { min: 0, whole: true }),
    real: flag('Values are real numbers, also where the model takes integers'),
  }),
  ...group('Output', { plot: output('Write an SVG of input and output', { hint: 'out.svg' }) }),
};

export const runArgs = {
  bundle: argument(
    input('The .wasm file that build wrote, or an int8 model for sound (.tflite, .json, ...); several of them listen together'),
  ),
  source: rest(
    signals(
      'A .csv, .wav, .npy or .npz file, - or mic for standard input, or gen:sine?freq=1 (sine chirp noise steps ecg ppg); several inputs: one each, in order or as name=source, or one .npz',
    ),
  ),
  ...group('How it runs', {
    realtime: flag('Pace the signal by its sample rate instead of running as fast as possible'),
    limit: number('Stop after this many outputs', { min: 1, whole: true }),
    rate: reworded(signalArgs.rate, 'Frames a second, where neither bundle nor source says; of raw sound, its rate'),
    frontEnd: input(
      `Prepare the samples: ppg, ${presetNames.join(', ')}, a bundle that takes sound and gives rows, or none (default: the bundle's)`,
      { hint: 'name' },
      presetName,
    ),
  }),
  ...group('The source', {
    columns: reworded(
      signalArgs.columns,
      'Columns of a CSV that make a frame, or channels of sound: names, or indexes from 0 (default: those that the bundle names, else all with numbers but time and truth)',
    ),
    format: choice('What comes through standard input (default: text, for sound s16; WAV is recognised)', formats, {
      hint: 'format',
    }),
    gain: number('Multiply every value, for example 32768', { hint: 'x' }),
    channel: text('Channel of sound from 0, or mix (the default of models that listen)', { hint: 'n|mix' }),
    channels: number('Channels of raw sound (default 1)', { min: 1, max: 1024, whole: true }),
    resample: flag("Sound of another rate is resampled to the model's (always for models that listen)"),
  }),
  ...rowArgs,
  ...detectorArgs,
  ...listeningArgs,
  ...jsonArg,
};

export type RunOptions = Values<typeof runArgs>;
