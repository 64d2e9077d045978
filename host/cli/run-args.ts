/**
 * The arguments of runlet run.
 */
import { presetNames } from '../../models/frontend/presets.ts';
import { gateArg } from '../command/gate-option.ts';
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

/** Options for models that take sound. */
export const listeningArgs = group('Sound models', {
  stepMs: soundArgs.stepMs,
  hop: reworded(hopArg.hop, 'Frames between two outputs, for a model that is built by this command'),
  scores: flag('Print every output, not only the words'),
  ...gateArg,
});

/** Options for models that take rows, not sound. */
export const rowArgs = {
  ...group('Gaps and time', {
    gap: choice(
      'How to handle lost frames (empty or NaN cells, jumps in time): reset the stream, hold the last frame, or fill with zero',
      gapPolicies,
    ),
    time: text('CSV column with the time of each row, for --gap; none: there is no such column', { hint: 'column' }),
    timeUnit: choice('Unit of the time column (default: from its name or its first step)', ['s', 'ms']),
  }),
  ...truthArgs,
  ...group('Source', {
    header: flag('The first line of the CSV is a header (default: guessed)', 'The first line of the CSV is data'),
    array: text('Name of the array in an .npz file', { hint: 'name' }),
    row: number('Index into the first axis of an array; only that part is used', { min: 0, whole: true }),
    real: flag('The source has real values, even if the model takes integers'),
  }),
  ...group('Output', { plot: output('Write an SVG of input and output', { hint: 'out.svg' }) }),
};

export const runArgs = {
  bundle: argument(
    input(
      'Bundle: the .wasm file that build wrote, or an int8 sound model (.tflite, .json, ...); several sound models may be given',
    ),
  ),
  source: rest(
    signals(
      'Signal: a .csv, .wav, .npy or .npz file, - or mic for standard input, or gen:sine?freq=1 (sine chirp noise steps ecg ppg). For several inputs: one source each, in order or as name=source, or one .npz',
    ),
  ),
  ...group('Running', {
    realtime: flag('Run at the sample rate of the signal, not as fast as possible'),
    limit: number('Stop after this number of outputs', { min: 1, whole: true }),
    rate: reworded(signalArgs.rate, 'Frames per second, if neither bundle nor source states it; for raw sound, its sample rate'),
    frontEnd: input(
      `Front end that prepares the samples: ppg, ${presetNames.join(', ')}, a bundle that turns sound into rows, or none (default: from the bundle)`,
      { hint: 'name' },
      presetName,
    ),
  }),
  ...group('Source', {
    columns: reworded(
      signalArgs.columns,
      'CSV columns that make up a frame, or channels of sound, as names or indexes from 0 (default: those that the bundle names, else all numeric columns except time and truth)',
    ),
    format: choice('Format of standard input (default: text, for sound s16; WAV is recognised)', formats, {
      hint: 'format',
    }),
    gain: number('Factor that multiplies every value, for example 32768', { hint: 'x' }),
    channel: text('Channel of sound, from 0, or mix (the default of sound models)', { hint: 'n|mix' }),
    channels: number('Number of channels of raw sound (default 1)', { min: 1, max: 1024, whole: true }),
    resample: flag("Resample sound with another rate to the model's rate (sound models always do)"),
  }),
  ...rowArgs,
  ...detectorArgs,
  ...listeningArgs,
  ...jsonArg,
};

export type RunOptions = Values<typeof runArgs>;
