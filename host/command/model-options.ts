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

/** One length for all inputs, or name=length for each, with commas between them. */
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

/** Numbers by the names of inputs. */
function readNumbers(value: string): Record<string, number> | undefined {
  const pairs = value.split(',').map((part): [string, number | undefined] => {
    const at = part.lastIndexOf('=');
    return [part.slice(0, at), at < 1 ? undefined : readNumber(part.slice(at + 1), {})];
  });
  return pairs.some(([, number]) => number === undefined) ? undefined : (Object.fromEntries(pairs) as Record<string, number>);
}

const rounding = choice(
  'Whose bytes fully connected layers give: tflm (TensorFlow Lite Micro, default), tflm-f32 (before mid-2026) or litert',
  roundings,
  { hint: 'reference' },
);

export const modelArgs = {
  model: argument(
    input(
      'Model file: .tflite, .onnx, .keras, .h5 or .rnq, the model.json of a TensorFlow.js model, a .zip with one of these, or the .json of a microWakeWord model',
    ),
  ),
  ...group('How the model is read', {
    timeAxis: number('Index of the time dimension in the input shape', { min: 0, whole: true }),
    frame: number('Values of one frame of a flattened input', { min: 1, whole: true }),
    window: withValue(
      'Frames of a window, where the model leaves them open; for several inputs a=64,b=128',
      'a whole number from 1, or name=number for each input',
      readWindow,
      { hint: 'n' },
    ),
    set: withValue(
      'Inputs of an ONNX model that are numbers, as a sample rate is: sr=16000',
      'name=number, with commas between them',
      readNumbers,
      {
        hint: 'a=1',
      },
    ),
    state: list('Inputs of an ONNX model that are states (default: those that come back as outputs)'),
    // biome-ignore lint/suspicious/noThenProperty: the name of an option
    then: list('Models after this one: the rows of each are the outputs of the one before, and all become one'),
    thenStep: number('Frames between two rows of the next model (default: as few as the strides of this one allow)', {
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

const hop = number('Frames between two outputs (default: what the model says, else about a tenth of the window)', {
  min: 1,
  whole: true,
});

export const planArgs = group('How it streams', {
  hop,
  mode: choice('The plan (default: the cheapest that is exact)', modes),
  microHop: number('Frames that pass through the layers at once (default: the hop)', { min: 1, whole: true }),
  prefer: choice(
    'Which exact plan: work (the least), balanced (the least state within 10 % of the least work, default), ram (the least memory)',
    preferences,
    { hint: 'what' },
  ),
  budgetRam: number('edge-exact: most bytes of state; of what fits the least work, or what --prefer says', {
    min: 0,
    whole: true,
    hint: 'bytes',
  }),
  budgetMacs: number('edge-exact: most multiply-accumulates an output; of what fits the least memory, or what --prefer says', {
    min: 0,
    whole: true,
  }),
  depth: number('edge-exact: reuse rows in the first layers only, as many as this', { min: 0, whole: true }),
});

export const hopArg = { hop };

const biasCorrections = new Map<string, boolean | 'analytic'>([
  ['on', true],
  ['off', false],
  ['analytic', 'analytic'],
]);

export const calibArgs = group('Calibration', {
  calib: signals(
    'Calibration data for a float model: .npy, .npz, .csv or .wav (several inputs: a,b in their order, or one .npz)',
  ),
  preset: choice('How to quantise: fast, good (default) or best', presetNames, { hint: 'name' }),
  observer: choice('Ranges of activations', observerKinds),
  percentile: number('Share of values that percentile covers (default 99.99)', { min: 50, max: 100, hint: 'percent' }),
  narrow: choice("Ranges of mse that become narrower where that is better at the model's outputs", ['none', 'inputs', 'all']),
  weightRounding: choice('Weights: nearest, or together (errors of an output cancel)', ['nearest', 'together'], { hint: 'rule' }),
  weightScales: choice('Scales of weights', ['per-channel', 'per-tensor'], { hint: 'rule' }),
  equalise: onOff('Scale channels against each other first'),
  biasCorrection: withValue(
    'Take the shift of means back in the bias: on, off or analytic (means of batch normalisation, where the file has it)',
    'on, off or analytic',
    (value) => biasCorrections.get(value),
    { hint: 'on|off|analytic' },
  ),
  activations: choice('Activations: asymmetric (default) or symmetric (zero point 0)', ['asymmetric', 'symmetric'], {
    hint: 'rule',
  }),
  calibWindows: number('Windows to calibrate with; more are sampled (default 256)', { min: 1, max: 1 << 20, whole: true }),
  calibSampling: choice('Which windows of a longer signal (default: covering)', samplings, { hint: 'rule' }),
  seed: number('Of the sampling (default 1)', { min: 0, max: 2 ** 32 - 1, whole: true }),
});

/** What a signal is: the same options in every verb that reads one. */
export const columnsArg = group('The signal', {
  columns: list(
    'Columns of a CSV that make a frame, names or indexes from 0 (default: those that the model names, else all with numbers but time and truth)',
  ),
  channel: text('Channel of a recording of sound, from 0, or mix', { hint: 'n|mix' }),
});

export const signalArgs = group('The signal', {
  ...columnsArg,
  rate: number("Frames a second (default: the model's, else what a time column says)", { min: 1e-6, max: 1e9, hint: 'Hz' }),
});

/** What should come out. */
export const truthArgs = group('Truth', {
  truth: text('Column of a CSV with the truth: numbers, or names of classes', { hint: 'column' }),
  truthAt: choice(
    "Where in its window an output's truth is (default: what the model says, else majority for classes and end for values)",
    truthPlaces,
    { hint: 'place' },
  ),
});

/** Names of classes. */
export const labelsArg = group('What is heard', {
  labels: list('Names of the classes of a classifier, in their order', { hint: 'a,b,c' }),
});

const target = (all: string) =>
  `Kernels for: interp (interpreters, and any engine; default), simd (browsers, Node), relaxed (the same with int8 dot products, where the CPU has them), native (compiled ahead of time for 32-bit cores)${all}`;

export const targetArg = group('What is built', {
  target: choice(target(''), targets, { hint: 'target', default: 'interp' }),
});

/** Of the verb that may build for every target at once. */
export const targetsArg = group('What is built', {
  target: choice(target('; all: a module for each'), [...targets, 'all'], { hint: 'target', default: 'interp' }),
});

export const weightsArg = group('What is built', {
  weights: choice(
    'Where weights live: embed (in the module, default), linear (a file that the host copies into memory), tile (a file that stays in flash; interp and native)',
    homes,
    { hint: 'home', default: 'embed' },
  ),
});

export const styleArg = group('What is built', {
  style: choice(
    'calls (code for this model, default), table (a table of layers and an interpreter) or smallest of both',
    ['calls', 'table', 'smallest'],
    { hint: 'style', default: 'calls' },
  ),
});

/** What a verb builds on its way; of a bundle all this has been decided. */
export const buildArgs = { ...targetArg, ...styleArg };

/** A cutoff for all labels, or label=cutoff for each, with commas between them. */
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

/** What is heard. */
export const heardArgs = group('What is heard', {
  label: text('The word that is heard; of a model with several labels the only one', { hint: 'word' }),
  cutoff: withValue(
    'Mean probability above which a word is heard, 0 to 1; for single labels yes=0.9,no=0.8',
    'a number from 0 to 1, or label=number with commas between them',
    readCutoffs,
    { hint: 'p' },
  ),
  slidingWindow: number('Outputs in the mean', { min: 1, max: 4096, whole: true }),
  refractoryMs: number('Milliseconds below the cutoff before the next detection', { min: 0, hint: 'ms' }),
});

export const detectorArgs = {
  ...labelsArg,
  ...heardArgs,
};

export const namesArg = group('Output', {
  names: choice(
    'How layers are called: short (conv#2: operator and its number) or file (as in the model file)',
    ['short', 'file'],
    {
      default: 'short',
    },
  ),
});

export type ModelOptions = Given<typeof modelArgs> & { model: string };
export type PlanArgs = Given<typeof planArgs>;
export type SignalOptions = Given<typeof signalArgs & typeof truthArgs & typeof labelsArg>;
export type CalibOptions = Given<typeof calibArgs> &
  SignalOptions & {
    /** Of `build` and `quantize`: a .wav becomes its rows. */
    frontEnd?: string;
  };
export type DetectorOptions = Given<typeof detectorArgs>;
