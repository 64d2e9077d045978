/**
 * readFrontEnd: converts a TensorFlow Lite file of Signal operators to a FrontEnd.
 *
 * In: the file's bytes (untrusted).
 * Out: a FrontEnd with the file's own tables and a step of one window; undefined if the file has no Signal
 * operators.
 * Errors: RN114 with the node if the operators do not match this pattern:
 *
 *     SignalWindow, SignalFftAutoScale, SignalRfft, SignalEnergy, (bins outside a range set to zero),
 *     SignalFilterBank, SignalFilterBankSquareRoot, (SignalFilterBankSpectralSubtraction, (SignalPCAN)),
 *     SignalFilterBankLog, CAST, arithmetic with constants to int8 (output.ts)
 *
 * Reshapes are allowed everywhere. Names, sizes and the order in the file do not matter.
 * Source: tflite-micro, signal/micro/kernels (operands and options) and signal/src (arithmetic); T = 7 is
 * int16.
 */
import { RunletError } from '../../../error.ts';
import { maxWindowSamples } from '../../../frontend/parameters.ts';
import type { FrontEnd, NoiseReduction, Pcan } from '../../../frontend/types.ts';
import { readModelFile, type TfModel, type TfOperator } from '../model.ts';
import { readBank } from './bank.ts';
import { Chain, Mismatch } from './chain.ts';
import { maxLog, readOutput } from './output.ts';

const signal = (name: string) => `CUSTOM Signal${name}`;

export const isSignal = ({ op }: TfOperator): boolean => op.startsWith('CUSTOM Signal');

/** Default sample rate in Hz; a file does not state its rate. */
const usualRateHz = 16000;

export interface FrontEndReadOptions {
  name?: string;
  /** Sample rate in Hz, 16,000 by default; the file does not state it. */
  sampleRateHz?: number;
}

/** Reads a front end; see the header. @throws RN101 to RN105, RN114 */
export function readFrontEnd(bytes: Uint8Array, options: FrontEndReadOptions = {}): FrontEnd | undefined {
  const model = readModelFile(bytes);
  return model.operators.some(isSignal) ? frontEndOf(model, options) : undefined;
}

export function frontEndOf(model: TfModel, options: FrontEndReadOptions = {}): FrontEnd {
  try {
    return match(new Chain(model), options);
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    throw new RunletError('RN114', {
      what: 'these Signal operators do not form a known front end',
      where: error.node,
      why: error.message,
      tryThis: 'export the audio front end and the network separately, the front end as in audio_preprocessor.py of tflite-micro',
    });
  }
}

function noiseOf(chain: Chain, op: TfOperator, channels: number): NoiseReduction {
  const share = (name: string) => chain.option(op, name, 0, 65535);
  if (chain.option(op, 'num_channels', 0, 65535) !== channels)
    throw new Mismatch(op.name, `it does not have ${channels} channels`);
  return {
    smoothing: [share('smoothing'), share('alternate_smoothing')],
    oneMinusSmoothing: [share('one_minus_smoothing'), share('alternate_one_minus_smoothing')],
    minSignalRemaining: share('min_signal_remaining'),
    bits: chain.option(op, 'spectral_subtraction_bits', 0, 31),
    smoothingBits: chain.option(op, 'smoothing_bits', 0, 31),
    clamping: chain.option(op, 'clamping', 0, 1) === 1,
  };
}

function match(chain: Chain, options: FrontEndReadOptions): FrontEnd {
  const { model } = chain;
  const [input] = model.inputs;
  const sound = model.tensors[input ?? -1];
  if (input === undefined || !sound || model.inputs.length !== 1 || sound.type !== 'int16')
    throw new Mismatch('graph inputs', 'one input of int16 is expected');
  const window = chain.expect(input, 'the input', signal('Window'));
  const coefficients = chain.int16s(window, 1);
  const windowSamples = coefficients.length;
  if (windowSamples < 4 || windowSamples > maxWindowSamples)
    throw new Mismatch(window.name, `a window of ${windowSamples} samples`);
  if (chain.elements(window) !== windowSamples)
    throw new Mismatch(window.name, `a step of ${chain.elements(window)} samples is more than one window`);
  const windowShift = chain.option(window, 'shift', 0, 30);
  const scale = chain.expect(window.outputs[0] as number, window.name, signal('FftAutoScale'));
  const fft = chain.expect(scale.outputs[0] as number, scale.name, signal('Rfft'));
  const fftSamples = chain.option(fft, 'fft_length', windowSamples, maxWindowSamples);
  if (chain.option(fft, 'T', 0, 255) !== 7) throw new Mismatch(fft.name, 'its type is not int16');
  const bins = fftSamples / 2 + 1;
  if (!Number.isInteger(Math.log2(fftSamples)) || chain.elements(fft) !== 2 * bins)
    throw new Mismatch(fft.name, `${fftSamples} points; powers of 2 are read`);
  const energy = chain.expect(fft.outputs[0] as number, fft.name, signal('Energy'));
  const { bank, op: filter, channels } = readBank(chain, energy, bins);
  const root = chain.expect(filter.outputs[0] as number, filter.name, signal('FilterBankSquareRoot'));
  const shift = chain.next(scale.outputs[1] as number, scale.name);
  if (shift.op !== root || root.inputs[1] !== shift.at)
    throw new Mismatch(root.name, `it does not undo the scaling of ${scale.name}`);
  let last = root;
  let noise: NoiseReduction | undefined;
  let pcan: Pcan | undefined;
  if (chain.next(last.outputs[0] as number, last.name).op.op === signal('FilterBankSpectralSubtraction')) {
    const subtraction = chain.expect(last.outputs[0] as number, last.name, signal('FilterBankSpectralSubtraction'));
    noise = noiseOf(chain, subtraction, channels);
    last = subtraction;
    if (chain.next(last.outputs[0] as number, last.name).op.op === signal('PCAN')) {
      const gain = chain.expect(last.outputs[0] as number, last.name, signal('PCAN'));
      const estimate = chain.next(subtraction.outputs[1] as number, subtraction.name);
      if (estimate.op !== gain || gain.inputs[1] !== estimate.at)
        throw new Mismatch(gain.name, `its noise estimate is not that of ${subtraction.name}`);
      const table = chain.int16s(gain, 2);
      if (table.length !== 125) throw new Mismatch(gain.name, `its table has ${table.length} values, 125 are expected`);
      pcan = { table, snrShift: chain.option(gain, 'snr_shift', 0, 63) };
      last = gain;
    }
  }
  const log = chain.expect(last.outputs[0] as number, last.name, signal('FilterBankLog'));
  const correctionBits = chain.option(log, 'input_correction_bits', 0, 31);
  const logScale = chain.option(log, 'output_scale', 0, 2 ** 31 - 1);
  const { tensor, scale: output } = readOutput(chain, log.outputs[0] as number, log.name);
  checkEnd(chain, tensor, channels);
  return {
    kind: 'micro',
    name: options.name ?? (model.name || 'front end'),
    sampleRateHz: options.sampleRateHz ?? usualRateHz,
    windowSamples,
    stepSamples: windowSamples,
    channels,
    fftSamples,
    window: coefficients,
    windowShift,
    peak: 'follow',
    bank,
    ...(noise && { noise }),
    ...(pcan && { pcan }),
    log: { correctionBits, scale: logScale },
    maxFeature: maxLog,
    // an int8 value stands for itself, unless the file has a scale
    output: { ...output, ...endScale(chain, tensor) },
  };
}

function endScale(chain: Chain, tensor: number): { scale: number; zeroPoint: number } {
  const { scales, zeroPoints } = chain.model.tensors[tensor]?.quant ?? { scales: [], zeroPoints: [] };
  return scales.length === 1
    ? { scale: Math.fround(scales[0] as number), zeroPoint: zeroPoints[0] ?? 0 }
    : { scale: 1, zeroPoint: 0 };
}

/** Checks that the features are the graph's only output and that no other operators are left. */
function checkEnd(chain: Chain, tensor: number, channels: number): void {
  const { model } = chain;
  let end = tensor;
  while (!model.outputs.includes(end)) {
    const reader = model.operators.find((op) => op.inputs.includes(end));
    if (!reader || !['RESHAPE', 'SQUEEZE', 'EXPAND_DIMS'].includes(reader.op)) break;
    end = chain.renamed(reader);
  }
  const left = model.operators.filter((op) => !chain.used.has(op)).map((op) => op.name);
  if (left.length > 0)
    throw new Mismatch(left.slice(0, 20).join(', '), 'a network follows the front end; one file with both is not read');
  const { shape } = model.tensors[end] ?? { shape: [] };
  if (model.outputs.length !== 1 || model.outputs[0] !== end || shape.reduce((a, b) => a * b, 1) !== channels)
    throw new Mismatch('graph outputs', `one output of ${channels} features is expected`);
}
