/**
 * Reads a file as a recording: sound, or frames for the model.
 *
 * In: a file's name and bytes, the loaded model.  Out: samples of one channel with their rate, or frames.
 * Exact: Runlet's reader reads WAV, so the samples are the same as in Node; the browser decodes other sound.
 * Channels are mixed to one. The rate of a .npy file is the model's; that of a .csv file is in its time
 * column.
 */
import { RunletError } from '../../models/error.ts';
import { join } from '../../models/lists.ts';
import { readNpy } from '../sources/npy.ts';
import type { CsvTarget } from './csv.ts';
import type { Loaded, Recording } from './protocol.ts';

/** Lowest sampling rate at which a signal counts as sound. */
export const minSoundHz = 4000;

/** Calibration signal of a recording, and the names of its channels. */
export const calibrationOf = ({ samples, rateHz, channels }: Recording) => ({
  calibration: { samples, ...(rateHz && { rateHz }), ...(channels && { width: channels.length }) },
  ...(channels && { channels }),
});

const extensionOf = (name: string): string => /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';

/** Kind of a file by its extension. */
export const kindOf = (name: string): 'model' | 'json' | 'weights' | 'recording' => {
  const extension = extensionOf(name);
  if (['tflite', 'onnx', 'rnq', 'wasm'].includes(extension)) return 'model';
  if (extension === 'json') return 'json';
  return extension === 'bin' ? 'weights' : 'recording';
};

async function joined(frames: AsyncIterable<Float32Array>): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for await (const part of frames) parts.push(part);
  return join(Float32Array, parts);
}

async function wavRecording(name: string, bytes: Uint8Array): Promise<Recording> {
  const { wavSource } = await import('../sources/wav.ts');
  const source = wavSource(bytes, name, { frameElements: 1, channel: 'mix' });
  const samples = await joined(source.frames);
  const { sampleRateHz: rateHz = 16000 } = source;
  return { name, samples, rateHz, seconds: samples.length / rateHz };
}

/** Decodes sound by the browser. @throws RN787 */
async function decoded(name: string, bytes: Uint8Array): Promise<Recording> {
  const context = new AudioContext();
  try {
    const buffer = await context.decodeAudioData(bytes.slice().buffer);
    const samples = new Float32Array(buffer.length);
    for (let c = 0; c < buffer.numberOfChannels; c++) {
      const channel = buffer.getChannelData(c);
      for (let i = 0; i < samples.length; i++)
        samples[i] = (samples[i] as number) + (channel[i] as number) / buffer.numberOfChannels;
    }
    return { name, samples, rateHz: buffer.sampleRate, seconds: buffer.duration };
  } catch {
    throw new RunletError('RN787', {
      what: 'this file is neither a model nor sound that this browser can decode',
      where: name,
      why: 'its extension is not that of a model, and the browser cannot decode it as sound',
      tryThis: 'open a model (.tflite, .onnx, .rnq, .wasm), sound (.wav, .mp3, .ogg, .flac) or values (.npy, .csv)',
    });
  } finally {
    await context.close();
  }
}

function npyRecording(name: string, bytes: Uint8Array, loaded: Loaded | undefined): Recording {
  const { shape, data } = readNpy(bytes);
  // without a model it is a calibration signal, whose frames the engine forms
  if (!loaded) return { name, samples: Float32Array.from(data), seconds: 0 };
  const { manifest, rateHz, frameHz } = loaded;
  const elements = manifest.inputs[0]?.elements ?? 1;
  const width = shape.slice(1).reduce((product, d) => product * d, 1);
  const samples = Float32Array.from(data);
  if (elements === 1) return { name, samples, rateHz, seconds: samples.length / rateHz };
  if (width !== elements)
    throw new RunletError('RN785', {
      what: 'this signal does not fit the model',
      where: `${name}: shape (${shape.join(', ')})`,
      why: `the model takes ${elements} values per frame`,
      tryThis: 'use an array of shape [frames][values]',
    });
  return { name, samples, seconds: samples.length / elements / frameHz };
}

function csvTarget(loaded: Loaded | undefined, names: string[]): CsvTarget {
  if (!loaded) return { names };
  const { manifest, rateHz, frameHz } = loaded;
  const [input] = manifest.inputs;
  const elements = input?.elements ?? 1;
  return elements === 1
    ? { elements, names: manifest.columns ?? [input?.name ?? ''], rateHz }
    : { elements, names, rateHz: frameHz };
}

/**
 * @param loaded the loaded model; undefined if the recording is for calibration. @param channels names of the
 * model's channels (default: those of the bundle).
 * @throws RN728 to RN731 damaged files, RN785 values that do not fit the model, RN787 unknown kind of file
 */
export async function readRecording(
  name: string,
  bytes: Uint8Array,
  loaded?: Loaded,
  channels: string[] = loaded?.manifest.columns ?? [],
): Promise<Recording> {
  const extension = extensionOf(name);
  if (extension === 'npy') return npyRecording(name, bytes, loaded);
  if (extension === 'csv' || extension === 'txt') {
    const { csvRecording } = await import('./csv.ts');
    return csvRecording(name, bytes, csvTarget(loaded, channels));
  }
  const recording = await (extension === 'wav' ? wavRecording : decoded)(name, bytes);
  if (!loaded || loaded.feed === 'sound' || loaded.feed === 'rows') return recording;
  throw new RunletError('RN785', {
    what: 'this model does not listen to sound',
    where: `${name}, ${loaded.manifest.name}`,
    why: `it takes ${loaded.manifest.inputs[0]?.elements === 1 ? `a signal of ${loaded.rateHz} Hz` : 'frames of several values'}`,
    tryThis: 'open its demo recording, or a .npy or .csv file of its signal',
  });
}
