/**
 * runlet features x.wav --preset microwakeword --step-ms 10 -o features.npy: computes the rows of features
 * that models are trained on and take as input.
 *
 * In: sound of one channel at the front end's rate.  Out: a .npy file of rows; without -o, one line per row
 * on stdout. --wasm writes the front end as a module.
 * Exact: rows of the reference (quant/frontend), equal to those of a module with this front end.  Memory does
 * not grow with the length of the sound.
 */
import { RunletError } from '../../models/error.ts';
import { presetNames } from '../../models/frontend/presets.ts';
import type { FrontEnd } from '../../models/frontend/types.ts';
import { FrontEndReference } from '../../quant/frontend/reference.ts';
import { badOption, print, printJson, output as stdout } from '../command/args.ts';
import { argument, choice, flag, group, input, jsonArg, number, output, signals, text, type Values } from '../command/options.ts';
import { producer } from '../command/producer.ts';
import { presetName, soundArgs, soundFrontEnd } from '../command/sound-options.ts';
import { defineVerb } from '../command/verb.ts';
import { dequantiseValue, quantiseValue } from '../session/quantise.ts';
import { openSource, type Source } from '../sources/index.ts';
import { NpyWriter, type RowType } from '../sources/npy-writer.ts';
import { writeOut, writeWhole } from './save.ts';

const args = {
  source: argument(signals('A .wav file, raw .s16 or .f32, - for standard input (--format s16), or gen:chirp')),
  ...group('Source', {
    channel: text('WAV channel, from 0, or mix', { hint: 'n|mix' }),
    resample: flag("Resample sound with another rate to the front end's rate"),
    format: choice('Format of standard input', ['s16', 'f32', 'text']),
    gain: number('Factor that multiplies every sample', { hint: 'x' }),
  }),
  ...group('Front end', {
    preset: input(
      `Front end: ${presetNames.join(', ')}, or a .tflite file that holds one`,
      { default: presetNames[0] as string, hint: 'preset' },
      presetName,
    ),
    rate: number('Samples per second of the front end (default: from the preset)', { min: 1, whole: true, hint: 'Hz' }),
    ...soundArgs,
  }),
  ...group('Output', {
    as: choice(
      'Type of the features: int8 (as models take them), float32 (real values) or uint16 (before conversion to int8)',
      ['int8', 'float32', 'uint16'],
      {
        default: 'int8',
        hint: 'type',
      },
    ),
    output: output('File for the rows (.npy)', { short: 'o', hint: 'features.npy' }),
    wasm: output('Also write the front end as a module', { hint: 'out.wasm' }),
  }),
  ...jsonArg,
};

type Options = Values<typeof args>;

/** Number of rows that are collected before they are written. */
const batchRows = 256;

const rowTypes = { int8: Int8Array, uint16: Uint16Array, float32: Float32Array } as const;

/** Returns the latest row of the reference in the chosen type. */
function rowOf(reference: FrontEndReference, type: RowType): ArrayLike<number> {
  if (type === 'uint16') return reference.features;
  const { scale, zeroPoint } = reference.frontEnd.output;
  return type === 'int8' ? reference.row : Array.from(reference.row, (q) => dequantiseValue(q, scale, zeroPoint));
}

/** Converts samples from -1 to 1 to int16. @param at index of the first sample. @throws RN709 */
function samplesOf(chunk: Float32Array, at: number): Int16Array {
  return Int16Array.from(chunk, (x, i) => {
    const q = quantiseValue(x, 1 / 32768, 0, 32767);
    if (!Number.isNaN(q)) return q;
    throw new RunletError('RN709', {
      what: 'a sample is not a number (NaN)',
      where: `sample ${at + i}`,
      why: 'NaN has no int16 value',
      tryThis: 'fill or remove the gaps first',
    });
  });
}

/** Writes the front end as a module. */
async function writeModule(path: string, frontEnd: FrontEnd): Promise<void> {
  const { buildFrontEnd } = await import('../../assembly/build-front-end.ts');
  const { wasm, file, manifest } = await buildFrontEnd(frontEnd, { producer: producer() });
  await writeOut(path, wasm);
  process.stderr.write(
    `wrote ${path}: ${file.fileBytes} bytes (code ${file.codeBytes}, tables ${file.dataBytes}), memory ${manifest.bytes.memoryBytes} bytes\n`,
  );
}

/**
 * Writes all rows of a source, to a file or as lines on stdout. @returns the numbers of rows and samples.
 * @throws RN760
 */
async function writeRows(options: Options, frontEnd: FrontEnd, source: Source, file?: NpyWriter) {
  const { sampleRateHz, channels, stepSamples, windowSamples } = frontEnd;
  const { as: type } = options;
  const reference = new FrontEndReference(frontEnd);
  const batch = new rowTypes[type](batchRows * channels);
  let [rows, inBatch, samples] = [0, 0, 0];
  const flush = async (): Promise<void> => {
    const part = batch.slice(0, inBatch * channels);
    if (file) await file.append(part);
    else {
      let lines = '';
      for (let r = 0; r < inBatch; r++) {
        const values = Array.from(part.subarray(r * channels, (r + 1) * channels));
        const row = rows - inBatch + r;
        lines += options.json
          ? `${JSON.stringify({ row, startS: (row * stepSamples) / sampleRateHz, values })}\n`
          : `${values.join(',')}\n`;
      }
      if (lines) await print(lines);
    }
    inBatch = 0;
  };
  for await (const chunk of source.frames) {
    // a piece gives at most as many rows as fit into the batch
    const piece = batchRows * stepSamples;
    for (let from = 0; from < chunk.length; from += piece) {
      if (inBatch > 0) await flush();
      const part = samplesOf(chunk.subarray(from, from + piece), samples);
      samples += part.length;
      reference.push(part, () => {
        batch.set(rowOf(reference, type), inBatch++ * channels);
        rows++;
      });
    }
    if (stdout.closed) break;
  }
  await flush();
  if (rows > 0) return { rows, samples };
  throw new RunletError('RN760', {
    what: 'the sound is shorter than a window',
    where: options.source,
    why: `it has ${samples} samples, and a row needs ${windowSamples}`,
    tryThis: 'a longer recording, or a shorter --window-ms',
  });
}

/** Writes all rows of a source to a .npy file. */
const writeNpyRows = (path: string, options: Options, frontEnd: FrontEnd, source: Source) =>
  writeWhole(path, async (part) => {
    const file = await NpyWriter.create(part, options.as, frontEnd.channels);
    try {
      return await writeRows(options, frontEnd, source, file);
    } finally {
      await file.close();
    }
  });

async function features(options: Options): Promise<void> {
  const { as: type, output: path } = options;
  if (path !== undefined && !path.endsWith('.npy')) throw badOption('output', path, 'a .npy file');
  const frontEnd = await soundFrontEnd(options.preset, options, options.rate);
  const { sampleRateHz, channels, stepSamples, windowSamples } = frontEnd;
  const source = await openSource(options.source, {
    frameElements: 1,
    sampleRateHz,
    channel: options.channel,
    resample: options.resample,
    format: options.format ?? (options.source === '-' ? 's16' : undefined),
    gain: options.gain,
  });
  if (options.wasm !== undefined) await writeModule(options.wasm, frontEnd);
  const { rows, samples } =
    path === undefined ? await writeRows(options, frontEnd, source) : await writeNpyRows(path, options, frontEnd, source);
  const { name } = frontEnd;
  const ms = (n: number) => Number(((1000 * n) / sampleRateHz).toFixed(3));
  const facts = {
    rows,
    channels,
    type,
    samples,
    sampleRateHz,
    stepMs: ms(stepSamples),
    windowMs: ms(windowSamples),
    preset: name,
  };
  if (options.json)
    return stdout.closed
      ? undefined
      : printJson(options.output === undefined ? { summary: facts } : { output: options.output, ...facts });
  const text = `${source.describe}\n${rows.toLocaleString('en')} rows of ${channels} ${type} features, one every ${facts.stepMs} ms, window ${facts.windowMs} ms (${name})`;
  if (options.output === undefined) process.stderr.write(`${text}\n`);
  else process.stdout.write(`${text}\n${options.output}\n`);
}

export default defineVerb({
  examples: [
    ['features word.wav -o word.npy', 'writes rows for microWakeWord models'],
    ['features word.wav --preset log-mel --as float32', 'prints one line per row to standard output'],
  ],
  args,
  run: ({ args: options }) => features(options),
});
