/**
 * Options of the verbs that read, plan, quantise and build a model.
 */
import { truthPlaces } from '../../assembly/bundle/manifest.ts';
import { homes } from '../../assembly/emit/home.ts';
import { targets } from '../../assembly/emit/target.ts';
import { roundings } from '../../models/graph/rounding.ts';
import { modes } from '../../models/stream/modes.ts';
import { preferences } from '../../models/stream/types.ts';
import { samplings } from '../../quant/calibration/signals.ts';
import { observerKinds } from '../../quant/observers/observer.ts';
import { presetNames } from '../../quant/presets.ts';
import { badOption } from './args.ts';
import {
  argument,
  choice,
  type Given,
  group,
  input,
  list,
  number,
  onOff,
  readNumber,
  signals,
  text,
  withValue,
} from './options.ts';

/** Parses one length for all inputs, or `name=length` for each, separated by commas. */
function readWindow(value: string): { window?: number; windows?: Record<string, number> } | undefined {
  const length = (part: string) => readNumber(part, { min: 1, whole: true });
  if (!value.includes('=')) {
    const window = length(value);
    return window === undefined ? undefined : { window };
  }
  const pairs = value
    .split(',')
    .map((part) => [part.slice(0, part.lastIndexOf('=')), length(part.slice(part.lastIndexOf('=') + 1))] as const);
  return pairs.some(([, frames]) => frames === undefined)
    ? undefined
    : { windows: Object.fromEntries(pairs) as Record<string, number> };
}

/** A length of time: a number of frames, or of seconds. */
export type Length = { frames: number } | { seconds: number };

/** Parses lengths such as 1s, 500ms or 50 (frames), separated by commas. */
function readLengths(value: string): Length[] | undefined {
  const lengths = value.split(',').map((part): Length | undefined => {
    const [, amount = '', unit] = /^([^a-z]+)(ms|s)?$/.exec(part.trim()) ?? [];
    const number = readNumber(amount, unit ? { min: 0, max: 1e6 } : { min: 1, whole: true });
    if (number === undefined) return undefined;
    return unit ? { seconds: unit === 's' ? number : number / 1000 } : { frames: number };
  });
  return lengths.every((length) => length !== undefined) ? lengths : undefined;
}

/** Parses `name=number` for each input, separated by commas. */
function readNumbers(value: string): Record<string, number> | undefined {
  const pairs = value.split(',').map((part): [string, number | undefined] => {
    const at = part.lastIndexOf('=');
    return [part.slice(0, at), at < 1 ? undefined : readNumber(part.slice(at + 1), {})];
  });
  return pairs.some(([, number]) => number === undefined) ? undefined : (Object.fromEntries(pairs) as Record<string, number>);
}

const rounding = choice(
  'Rounding rule of fully connected layers: tflm (TensorFlow Lite Micro, default), tflm-f32 (the same before mid-2026) or litert',
  roundings,
  { hint: 'reference' },
);

export const modelArgs = {
  model: argument(
    input(
      'Model file: .tflite, .onnx, .keras, .h5 or .rnq, the model.json of a TensorFlow.js model, a .zip that holds one of these, or the .json of a microWakeWord model',
    ),
  ),
  ...group('Reading the model', {
    timeAxis: number('Index of the time dimension in the input shape', { min: 0, whole: true }),
    frame: number('Number of values in one frame of a flattened input', { min: 1, whole: true }),
    window: withValue(
      'Frames in a window, if the model does not fix the number; for several inputs a=64,b=128',
      'a whole number from 1, or name=number for each input',
      readWindow,
      { hint: 'n' },
    ),
    windows: withValue(
      'Answer for shorter windows too, from the same features: 1s,500ms, or frames',
      'lengths such as 1s, 500ms or 50 (frames), separated by commas',
      readLengths,
      { hint: '1s,2s' },
    ),
    set: withValue(
      'Constants for inputs of an ONNX model, such as a sample rate: sr=16000',
      'name=number, separated by commas',
      readNumbers,
      {
        hint: 'a=1',
      },
    ),
    state: list('Inputs of an ONNX model that are states (default: those whose next value is an output)'),
    // biome-ignore lint/suspicious/noThenProperty: the name of an option
    then: list('Models to append; each takes the outputs of the model before it as its rows, and all become one model'),
    thenStep: number('Frames between two rows of the next model (default: the smallest that the strides of this model allow)', {
      min: 1,
      whole: true,
    }),
    rounding: {
      ...rounding,
      read(value: string, name: string) {
        if (value === 'nearest' || value === 'together')
          throw badOption(name, value, `${roundings.join(', ')}; how weights are rounded is --weight-rounding ${value}`);
        return rounding.read?.(value, name);
      },
    },
  }),
};

const hop = number('Frames between two outputs (default: from the model, else about a tenth of the window)', {
  min: 1,
  whole: true,
});

export const planArgs = group('Streaming', {
  hop,
  mode: choice('Streaming mode (default: the cheapest exact one)', modes),
  microHop: number('Frames that the layers process at a time (default: the hop)', { min: 1, whole: true }),
  prefer: choice(
    'Which exact plan to take: work (least work), balanced (least state within 10 % of the least work, default) or ram (least memory)',
    preferences,
    { hint: 'what' },
  ),
  budgetRam: number('edge-exact: maximum bytes of state; of the plans that fit, --prefer chooses (default here: work)', {
    min: 0,
    whole: true,
    hint: 'bytes',
  }),
  budgetMacs: number(
    'edge-exact: maximum multiply-accumulates per output; of the plans that fit, --prefer chooses (default here: ram)',
    {
      min: 0,
      whole: true,
    },
  ),
  depth: number('edge-exact: number of first layers that reuse rows', { min: 0, whole: true }),
});

export const hopArg = { hop };

const biasCorrections = new Map<string, boolean | 'analytic'>([
  ['on', true],
  ['off', false],
  ['analytic', 'analytic'],
]);

export const calibArgs = group('Calibration', {
  calib: signals(
    'Calibration data for a float model: .npy, .npz, .csv or .wav (several inputs: a,b in the order of the inputs, or one .npz)',
  ),
  preset: choice('Quantisation preset: fast, good (default) or best', presetNames, { hint: 'name' }),
  observer: choice('Method that finds the ranges of activations', observerKinds),
  percentile: number('Percentage of values that observer percentile covers (default 99.99)', {
    min: 50,
    max: 100,
    hint: 'percent',
  }),
  narrow: choice("Observer mse: which ranges to narrow if that improves the model's outputs", ['none', 'inputs', 'all']),
  weightRounding: choice('Rounding of weights: nearest, or together (errors within an output cancel)', ['nearest', 'together'], {
    hint: 'rule',
  }),
  weightScales: choice('Scales of weights', ['per-channel', 'per-tensor'], { hint: 'rule' }),
  equalise: onOff('First scale the channels of a tensor to similar ranges'),
  biasCorrection: withValue(
    'Correct biases for the shift that rounding causes: on, off or analytic (from batch normalisation, if the file has it)',
    'on, off or analytic',
    (value) => biasCorrections.get(value),
    { hint: 'on|off|analytic' },
  ),
  activations: choice('Ranges of activations: asymmetric (default) or symmetric (zero point 0)', ['asymmetric', 'symmetric'], {
    hint: 'rule',
  }),
  calibWindows: number('Maximum number of windows to calibrate with (default 256)', { min: 1, max: 1 << 20, whole: true }),
  calibSampling: choice('How windows are chosen from a longer signal (default: covering)', samplings, { hint: 'rule' }),
  seed: number('Seed of the sampling (default 1)', { min: 0, max: 2 ** 32 - 1, whole: true }),
});

/** Options that describe a signal; the same in every verb that reads one. */
export const columnsArg = group('Signal', {
  columns: list(
    'CSV columns that make up a frame, as names or indexes from 0 (default: those that the model names, else all numeric columns except time and truth)',
  ),
  channel: text('Channel of a sound recording, from 0, or mix', { hint: 'n|mix' }),
});

export const signalArgs = group('Signal', {
  ...columnsArg,
  rate: number('Frames per second (default: from the model, else from a time column)', { min: 1e-6, max: 1e9, hint: 'Hz' }),
});

/** Options that say where the correct answers are. */
export const truthArgs = group('Truth', {
  truth: text('CSV column with the correct answers (the truth): numbers or class names', { hint: 'column' }),
  truthAt: choice(
    'How the truth of a window is taken from its frames (default: from the model, else majority for classes and end for values)',
    truthPlaces,
    { hint: 'place' },
  ),
});

/** What the recipe of a model measured; the commands here do not measure it. */
export const accuracyArg = group('Truth', {
  accuracy: number('Accuracy of the model in %, measured on held-out data (default: from the model)', {
    min: 0,
    max: 100,
    hint: 'percent',
  }),
});

/** Parses accuracies in %, separated by commas. */
function readAccuracies(value: string): number[] | undefined {
  const found = value.split(',').map((part) => readNumber(part, { min: 0, max: 100 }));
  return found.every((number) => number !== undefined) ? found : undefined;
}

/** The same for each of several sizes of one model. */
export const accuraciesArg = {
  accuracy: withValue(
    'Accuracy of each size in %, on held-out data, in the order of the files (default: as the files state it)',
    'numbers from 0 to 100, separated by commas',
    readAccuracies,
    { hint: 'a,b,c' },
  ),
};

/** Checks that there is one accuracy for each file. @throws RN740 */
export function accuraciesFor(accuracies: number[] | undefined, files: number): number[] | undefined {
  if (accuracies && accuracies.length !== files)
    throw badOption('accuracy', accuracies.join(','), `one number for each of the ${files} files`);
  return accuracies;
}

/** Names of classes. */
export const labelsArg = group('Detection', {
  labels: list("Class names of a classifier, in the order of the output's values", { hint: 'a,b,c' }),
});

const target = (all: string) =>
  `Engine to build for: interp (interpreters, and any engine; default), simd (browsers, Node), relaxed (simd with int8 dot products, if the CPU has them), native (compiled ahead of time for 32-bit cores)${all}`;

export const targetArg = group('Module', {
  target: choice(target(''), targets, { hint: 'target', default: 'interp' }),
});

/** The target option of a verb that can build for every target at once. */
export const targetsArg = group('Module', {
  target: choice(target('; all: one module for each'), [...targets, 'all'], { hint: 'target', default: 'interp' }),
});

export const weightsArg = group('Module', {
  weights: choice(
    'Where the weights are kept: embed (in the module, default), linear (a file that the host copies into memory), tile (a file that stays in flash; interp and native)',
    homes,
    { hint: 'home', default: 'embed' },
  ),
});

export const styleArg = group('Module', {
  style: choice(
    'Form of the code: calls (code for this model, default), table (a table of layers and an interpreter) or smallest (of the two)',
    ['calls', 'table', 'smallest'],
    { hint: 'style', default: 'calls' },
  ),
});

/** Options of verbs that build a bundle if they get a model. They have no effect on a ready bundle. */
export const buildArgs = { ...targetArg, ...styleArg };

/** Parses a cutoff for all labels, or `label=cutoff` for each, separated by commas. */
function readCutoffs(value: string): { cutoff?: number; cutoffs?: Record<string, number> } | undefined {
  const found: { cutoff?: number; cutoffs?: Record<string, number> } = {};
  for (const part of value.split(',')) {
    const at = part.lastIndexOf('=');
    const cutoff = readNumber(part.slice(at + 1), { min: 0, max: 1 });
    if (cutoff === undefined) return undefined;
    if (at < 0) found.cutoff = cutoff;
    else found.cutoffs = { ...found.cutoffs, [part.slice(0, at).trim()]: cutoff };
  }
  return found;
}

/** Options of the detector. */
export const heardArgs = group('Detection', {
  label: text('Word to detect; of several labels, only this one is detected', { hint: 'word' }),
  cutoff: withValue(
    'Mean probability above which a word is detected, 0 to 1; for single labels yes=0.9,no=0.8',
    'a number from 0 to 1, or label=number separated by commas',
    readCutoffs,
    { hint: 'p' },
  ),
  slidingWindow: number('Number of outputs in the mean', { min: 1, max: 4096, whole: true }),
  refractoryMs: number('Milliseconds below the cutoff before the next detection', { min: 0, hint: 'ms' }),
});

export const detectorArgs = {
  ...labelsArg,
  ...heardArgs,
};

export const namesArg = group('Output', {
  names: choice('Names of layers: short (conv#2: operator and its number) or file (as in the model file)', ['short', 'file'], {
    default: 'short',
  }),
});

export type ModelOptions = Given<typeof modelArgs> & { model: string };
export type PlanArgs = Given<typeof planArgs>;
export type SignalOptions = Given<typeof signalArgs & typeof truthArgs & typeof labelsArg>;
/** Settings that files written from a model keep. */
export type SettingOptions = PlanArgs & SignalOptions & Given<typeof accuracyArg>;
export type CalibOptions = Given<typeof calibArgs> &
  SettingOptions & {
    /** More data of the same signal, read after that of `calib`. */
    moreCalib?: string | undefined;
    /** `build` and `quantize`: front end that turns a .wav into rows. */
    frontEnd?: string;
  };
export type DetectorOptions = Given<typeof detectorArgs>;
