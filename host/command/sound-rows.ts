/**
 * Turns sound into rows, with an audio front end or with a bundle that takes sound, such as an embedding
 * network.
 *
 * In: --front-end and the path of a WAV.  Out: rows of real values, the frames of the model that follows.
 * Errors: RN722 if the length of a row is not that of the model's frame.
 */
import { RunletError } from '../../models/error.ts';
import type { FrontEnd } from '../../models/frontend/types.ts';
import { FrontEndReference } from '../../quant/frontend/reference.ts';
import { dequantiseValue, quantiseValue } from '../session/quantise.ts';
import { openSource } from '../sources/index.ts';
import { openSoundBundle } from './bundle-file.ts';
import { type SoundOptions, soundFrontEnd } from './sound-options.ts';

interface RowMaker {
  name: string;
  sampleRateHz: number | undefined;
  /** Number of values in a row. */
  elements: number;
  /** @param sound samples from -1 to 1. @returns f32 [rows][elements], the rows that become complete. */
  push(sound: Float32Array): Float32Array;
}

function ofFrontEnd(frontEnd: FrontEnd): RowMaker {
  const { name, sampleRateHz, channels } = frontEnd;
  const { scale, zeroPoint } = frontEnd.output;
  const reference = new FrontEndReference(frontEnd);
  return {
    name,
    sampleRateHz,
    elements: channels,
    push(sound) {
      const out: number[] = [];
      const samples = Int16Array.from(sound, (x) => quantiseValue(x, 1 / 32768, 0, 32767));
      reference.push(samples, () => {
        for (const q of reference.row) out.push(dequantiseValue(q, scale, zeroPoint));
      });
      return Float32Array.from(out);
    },
  };
}

async function ofBundle(path: string): Promise<RowMaker> {
  const session = await openSoundBundle(path);
  const { name, sampleRateHz, outputs } = session.manifest;
  return {
    name,
    sampleRateHz,
    elements: outputs[0]?.elements ?? 0,
    push(sound) {
      const out: number[] = [];
      session.pushAll(sound, () => {
        for (const value of session.output()) out.push(value);
      });
      return Float32Array.from(out);
    },
  };
}

/**
 * Opens a WAV as a source of rows.
 * @param named value of --front-end: a preset, a .tflite file or a .wasm bundle. @param path the WAV.
 * @param elements number of values in a frame of the model. @throws RN506, RN722, RN740, RN775
 */
export async function soundRows(named: string, path: string, elements: number, options: SoundOptions) {
  const maker = named.endsWith('.wasm') ? await ofBundle(named) : ofFrontEnd(await soundFrontEnd(named, options));
  if (maker.elements !== elements)
    throw new RunletError('RN722', {
      what: "the source's frames do not fit the model's input",
      where: path,
      why: `the front end makes rows of ${maker.elements} features, the model takes ${elements}`,
      tryThis: '--rows, or another front end',
    });
  const { name, sampleRateHz } = maker;
  const source = await openSource(path, { frameElements: 1, resample: true, sound: true, ...(sampleRateHz && { sampleRateHz }) });
  async function* rows(): AsyncGenerator<Float32Array> {
    for await (const sound of source.frames) {
      const made = maker.push(sound);
      if (made.length > 0) yield made;
    }
  }
  return { chunks: rows(), describe: `${source.describe}, rows of ${name}`, facts: {} };
}
