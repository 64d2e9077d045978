/**
 * makeFrontEnd: makes the tables of a front end from its parameters, as the C sources make them.
 *
 * In: FrontEndParameters.  Out: FrontEnd, or RN506 with the parameter that does not fit.  Source:
 * frontend_util.c, window_util.c, noise_reduction_util.c.
 * Exact: the tables equal those of the library (test/frontend/tables.test.ts); float32.ts says where a C
 * library may differ.
 */
import { filterBank } from './filter-bank.ts';
import { f32, roundHalfEven } from './float32.ts';
import { periodicHann } from './librosa.ts';
import { pcanTable } from './pcan-table.ts';
import { badFrontEnd, type FrontEnd, type FrontEndParameters, type NoiseReduction } from './types.ts';

const windowShift = 12;
/** Fraction bits of filter weights, of noise shares, and of the signal-to-noise ratio in PCAN. */
const weightBits = 12;
const noiseBits = 14;
const snrBits = 12;

/** Longest window, in samples. int16 can number the bins of its FFT. */
export const maxWindowSamples = 16384;

function need(where: string, value: number, min: number, max: number, whole = true): void {
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return;
  throw badFrontEnd(where, `it is ${value}, and may be ${whole ? 'a whole number ' : ''}from ${min} to ${max}`);
}

/** Returns the Hann window: periodic for librosa, else evaluated at the middle of each sample. */
function hann({ windowSamples: n, hannSamples = n, tables }: FrontEndParameters): Int16Array {
  if (tables === 'librosa') return periodicHann(hannSamples, n, 2 ** windowShift);
  if (tables === 'signal') {
    const arg = (Math.PI * 2) / n;
    return Int16Array.from({ length: n }, (_, i) => roundHalfEven((0.5 - 0.5 * Math.cos(arg * (i + 0.5))) * 2 ** windowShift));
  }
  const arg = f32(f32(f32(Math.PI) * 2) / n);
  return Int16Array.from({ length: n }, (_, i) => {
    const value = f32(0.5 - f32(0.5 * f32(Math.cos(f32(arg * (i + 0.5))))));
    return Math.floor(f32(f32(value * 2 ** windowShift) + 0.5));
  });
}

function noiseOf({ noise, tables }: FrontEndParameters): NoiseReduction | undefined {
  if (!noise) return undefined;
  need('noise smoothing bits', noise.smoothingBits, 0, 16);
  const share = (where: string, x: number): number => {
    need(where, x, 0, 1, false);
    return Math.trunc((tables === 'signal' ? x : f32(x)) * 2 ** noiseBits);
  };
  const smoothing = [share('even smoothing', noise.evenSmoothing), share('odd smoothing', noise.oddSmoothing)] as const;
  return {
    smoothing,
    oneMinusSmoothing: [2 ** noiseBits - smoothing[0], 2 ** noiseBits - smoothing[1]],
    minSignalRemaining: share('minimum signal remaining', noise.minSignalRemaining),
    bits: noiseBits,
    smoothingBits: noise.smoothingBits,
    clamping: false,
  };
}

/** Returns the next power of 2. */
const fftSamplesFor = (windowSamples: number): number => 2 ** Math.ceil(Math.log2(windowSamples));

function checkOutput({ output }: FrontEndParameters): void {
  for (const name of ['multiply', 'add', 'divide'] as const)
    need(`output ${name}`, output[name], name === 'divide' ? 1 : 0, 32767);
  need('output offset', output.offset, -32768, 32767);
  need('output low', output.low, -128, 127);
  need('output high', output.high, output.low, 127);
  need('output zero point', output.zeroPoint, -128, 127);
  if (!(output.scale > 0 && Number.isFinite(output.scale))) throw badFrontEnd('output scale', 'it must be above 0');
}

/** Makes the tables. @throws RN506 */
export function makeFrontEnd(wanted: FrontEndParameters): FrontEnd {
  const { name, sampleRateHz, windowSamples, stepSamples, channels, pcan, log, tables } = wanted;
  need('sample rate', sampleRateHz, 1, 1_000_000);
  need('window, samples', windowSamples, 4, maxWindowSamples);
  if (wanted.hannSamples !== undefined) {
    need('Hann window, samples', wanted.hannSamples, 1, windowSamples);
    if (tables !== 'librosa') throw badFrontEnd('Hann window, samples', `with tables ${tables} it covers the whole window`);
  }
  need('step, samples', stepSamples, 1, windowSamples);
  need('channels', channels, 1, 1024);
  need('lower band limit', wanted.lowerHz, 0, sampleRateHz / 2, false);
  need('upper band limit', wanted.upperHz, 0, sampleRateHz / 2, false);
  if (wanted.upperHz <= wanted.lowerHz) throw badFrontEnd('band', `from ${wanted.lowerHz} to ${wanted.upperHz} Hz is no band`);
  checkOutput(wanted);
  const fftSamples = fftSamplesFor(windowSamples);
  const bank = filterBank(wanted, fftSamples);
  if (!bank)
    throw badFrontEnd(
      'upper band limit',
      `${wanted.upperHz} Hz takes the last of ${fftSamples / 2 + 1} bins`,
      'a lower limit or a longer window',
    );
  const noise = noiseOf(wanted);
  const correctionBits = Math.log2(fftSamples) - weightBits / 2;
  const made: FrontEnd = {
    kind: 'micro',
    name,
    sampleRateHz,
    windowSamples,
    stepSamples,
    channels,
    fftSamples,
    window: hann(wanted),
    windowShift,
    peak: tables === 'signal' ? 'follow' : 'wrap',
    bank,
    maxFeature: tables === 'signal' ? 32767 : 65535,
    output: { ...wanted.output, scale: f32(wanted.output.scale) },
    parameters: structuredClone(wanted),
  };
  if (noise) made.noise = noise;
  if (pcan) {
    if (!wanted.noise)
      throw badFrontEnd(
        'PCAN',
        'its gain follows the noise estimate',
        'keep the noise reduction, with a minimum signal remaining of 1',
      );
    need('PCAN strength', pcan.strength, 0, 100, false);
    need('PCAN offset', pcan.offset, 1e-6, 1e9, false);
    need('PCAN gain bits', pcan.gainBits, 0, 31);
    const inputBits = wanted.noise.smoothingBits - correctionBits;
    const snrShift = tables === 'signal' ? 6 : pcan.gainBits - correctionBits - snrBits;
    need('PCAN: smoothing bits minus correction bits', inputBits, 0, 31);
    need(`PCAN: gain bits minus ${correctionBits + snrBits}`, snrShift, 0, 31);
    made.pcan = { table: pcanTable(pcan, inputBits), snrShift };
  }
  if (log) {
    need('log scale shift', log.scaleShift, 0, 15);
    made.log = { correctionBits, scale: 2 ** log.scaleShift };
  }
  return made;
}
